// SPDX-License-Identifier: BSD-3-Clause
// devmemctl as a user runs it: what it prints, what it makes of the environment, its exit statuses.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <jansson.h>
#include <map>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace {

struct Ended {
	std::string text;	// stdout
	std::string errors;	// stderr
	int status;
};

std::string read_all(FILE *file)
{
	char piece[4096];
	std::string text;
	size_t n;

	while ((n = fread(piece, 1, sizeof(piece), file)) > 0)
		text.append(piece, n);
	return text;
}

// Nothing but `environment` is set.
Ended run(const std::string &arguments, const std::string &environment = "")
{
	std::string errors = testing::TempDir() + "devmemctl-" + std::to_string(getpid());
	std::string line = "env -i " + environment + " " + getenv("DEVMEM_BUILD") + "/bin/devmemctl " + arguments + " 2>" + errors;
	FILE *pipe = popen(line.c_str(), "r");
	Ended run;

	run.text = read_all(pipe);
	int ended = pclose(pipe);
	run.status = WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
	FILE *file = fopen(errors.c_str(), "r");
	run.errors = read_all(file);
	fclose(file);
	remove(errors.c_str());
	return run;
}

bool has(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

// The output of params --json.
struct Params {
	explicit Params(const std::string &environment = "", int status = 0)
	{
		Ended ran = run("params --json", environment);
		json_error_t error;
		size_t i;
		json_t *object;

		EXPECT_EQ(status, ran.status) << ran.errors;
		root = json_loads(ran.text.c_str(), 0, &error);
		EXPECT_NE(nullptr, root) << error.text << ran.text;
		json_array_foreach(json_object_get(root, "params"), i, object)
			params[json_string_value(json_object_get(object, "name"))] = object;
	}
	~Params() { json_decref(root); }
	std::string text(const std::string &name, const char *key)
	{
		const char *text = json_string_value(json_object_get(params["NCCL_DEVMEM_" + name], key));
		return text ? text : "(none)";
	}
	bool is(const std::string &name, const char *key) { return json_is_true(json_object_get(params["NCCL_DEVMEM_" + name], key)); }
	json_t *root;
	std::map<std::string, json_t *> params;
};

TEST(DevmemctlParams, ShowsDefaultsWhereNothingIsSet)
{
	Params params;

	EXPECT_EQ("auto", params.text("PLAN", "value"));
	EXPECT_EQ("auto|host", params.text("PLAN", "allowed"));
	EXPECT_EQ("choice", params.text("PLAN", "kind"));
	EXPECT_EQ("0", params.text("POOL_MB", "default"));
	EXPECT_EQ("0 to 65536", params.text("POOL_MB", "allowed"));
	EXPECT_EQ("/run/devmem", params.text("LEASE_DIR", "value"));
	EXPECT_FALSE(params.is("PLAN", "set"));
	EXPECT_TRUE(params.is("PLAN", "valid"));
	EXPECT_EQ(0u, json_array_size(json_object_get(params.root, "unknown")));
}

TEST(DevmemctlParams, ShowsWhatIsSet)
{
	Params params("NCCL_DEVMEM_POOL_MB=128 NCCL_DEVMEM_PLAN=HOST NCCL_DEVMEM_REQUIRE= NCCL_DEVMEM_METRICS=");

	EXPECT_EQ("128", params.text("POOL_MB", "value"));
	EXPECT_EQ("0", params.text("POOL_MB", "default"));
	EXPECT_TRUE(params.is("POOL_MB", "set"));
	EXPECT_EQ("HOST", params.text("PLAN", "value")) << "letters may be large";
	EXPECT_TRUE(params.is("PLAN", "valid"));
	EXPECT_FALSE(params.is("REQUIRE", "set")) << "an empty number counts as none";
	EXPECT_TRUE(params.is("METRICS", "set")) << "an empty text is one";
}

TEST(DevmemctlParams, FindsValuesThatCannotBe)
{
	for (const char *value : {"POOL_MB=-1", "POOL_MB=65537", "POOL_MB=64MB", "PLAN=fast", "REQUIRE=yes", "TRAFFIC_CLASS=256"}) {
		std::string name(value, strcspn(value, "="));
		Params params(std::string("NCCL_DEVMEM_") + value, 1);
		EXPECT_FALSE(params.is(name, "valid")) << value;
		Ended table = run("params", std::string("NCCL_DEVMEM_") + value);
		EXPECT_EQ(1, table.status);
		EXPECT_TRUE(has(table.text, "INVALID")) << table.text;
	}
}

TEST(DevmemctlParams, NamesTheNearestOfAMisspeltVariable)
{
	Params params("NCCL_DEVMEM_POOLMB=5 NCCL_DEVMEM_NOTHINGLIKEIT=1", 1);
	std::map<std::string, std::string> unknown;
	size_t i;
	json_t *object;

	json_array_foreach(json_object_get(params.root, "unknown"), i, object) {
		const char *nearest = json_string_value(json_object_get(object, "nearest"));
		unknown[json_string_value(json_object_get(object, "name"))] = nearest ? nearest : "";
	}
	EXPECT_EQ((std::map<std::string, std::string>{{"NCCL_DEVMEM_POOLMB", "NCCL_DEVMEM_POOL_MB"}, {"NCCL_DEVMEM_NOTHINGLIKEIT", ""}}), unknown);
	Ended table = run("params", "NCCL_DEVMEM_POOLMB=5");
	EXPECT_EQ(1, table.status);
	EXPECT_TRUE(has(table.errors, "did you mean NCCL_DEVMEM_POOL_MB?")) << table.errors;
}

TEST(DevmemctlParams, PrintsATableWithALineForEach)
{
	Ended table = run("params");
	Params params;

	EXPECT_EQ(0, table.status);
	EXPECT_EQ("", table.errors);
	for (const auto &[name, object] : params.params) {
		EXPECT_TRUE(has(table.text, name)) << name;
		EXPECT_TRUE(has(table.text, json_string_value(json_object_get(object, "help")))) << name;
	}
}

TEST(DevmemctlParams, SaysThatItCouldNotPrint)
{
	for (const char *arguments : {"params >/dev/full", "params --json >/dev/full"}) {
		Ended full = run(arguments);
		EXPECT_EQ(2, full.status) << arguments;
		EXPECT_TRUE(has(full.errors, "No space left")) << full.errors;
	}
}

// Whatever this machine is like.
TEST(DevmemctlCheck, SaysWhatMendsAndTheWorstIsTheStatus)
{
	Ended ran = run("check --json", "PATH=/usr/bin:/bin HOME=/nonexistent");
	json_error_t error;
	json_t *root = json_loads(ran.text.c_str(), 0, &error), *finding;
	const std::map<std::string, int> statuses = {{"OK", 0}, {"WARN", 1}, {"FAIL", 2}};
	int worst = 0;
	size_t i;

	ASSERT_NE(nullptr, root) << error.text << ran.text << ran.errors;
	EXPECT_LT(7u, json_array_size(json_object_get(root, "findings"))) << ran.text;
	json_array_foreach(json_object_get(root, "findings"), i, finding) {
		int status = statuses.at(json_string_value(json_object_get(finding, "level")));
		bool helps = !json_is_null(json_object_get(finding, "mend")) || !json_is_null(json_object_get(finding, "advice"));
		EXPECT_EQ(status != 0, helps) << json_string_value(json_object_get(finding, "check"));
		worst = std::max(worst, status);
	}
	EXPECT_EQ(worst, statuses.at(json_string_value(json_object_get(root, "worst"))));
	// A kernel without device memory is the first cause on a machine that has one, whatever else is missing.
	json_t *kernel = json_array_get(json_object_get(root, "findings"), 0);
	EXPECT_STREQ("kernel-receive", json_string_value(json_object_get(kernel, "check")));
	bool fails = std::string(json_string_value(json_object_get(kernel, "level"))) == "FAIL";
	EXPECT_TRUE(!fails || json_equal(kernel, json_object_get(root, "first")));
	EXPECT_EQ(worst, ran.status);
	json_decref(root);
	Ended words = run("check", "PATH=/usr/bin:/bin HOME=/nonexistent");
	EXPECT_EQ(worst, words.status);
	EXPECT_TRUE(has(words.text, worst ? "First: " : "All is in order.")) << words.text;
}

// NCCL_NET_PLUGIN is not set here, so that there is something to name.
TEST(DevmemctlCheck, PrintsCommandsOfItsOwnFolder)
{
	Ended ran = run("check", "PATH=/usr/bin:/bin HOME=/nonexistent");

	EXPECT_NE(0, ran.status);
	EXPECT_TRUE(has(ran.text, "mend: export NCCL_NET_PLUGIN=devmem")) << ran.text;
	EXPECT_TRUE(has(ran.text, "mend: export LD_LIBRARY_PATH=" + std::string(getenv("DEVMEM_BUILD")) + "/lib")) << ran.text;
}

TEST(DevmemctlStatus, HasItsFourPartsOnAnyMachine)
{
	Ended ran = run("status --json --interval 0.1", "HOME=/nonexistent");
	json_t *root = json_loads(ran.text.c_str(), 0, nullptr);

	EXPECT_EQ(0, ran.status) << ran.errors;
	for (const char *part : {"devices", "queues", "connections", "processes"})
		EXPECT_TRUE(json_is_array(json_object_get(root, part))) << part << ran.text;
	json_decref(root);
	EXPECT_EQ(0, run("status --interval 0.1 --metrics /nonexistent").status);
	EXPECT_EQ(2, run("status --interval 0.1 >/dev/full").status);
}

// A folder of counters, filled by a line of shell, and what status makes of it.
struct Counters {
	explicit Counters(const std::string &shell, const std::string &environment = "")
	{
		EXPECT_EQ(0, system(("mkdir -p " + folder + " && cd " + folder + " && " + shell).c_str()));
		ran = run("status --json --interval 0.1" + (environment.empty() ? " --metrics " + folder : ""), environment);
		EXPECT_EQ(0, ran.status) << ran.errors;
		root = json_loads(ran.text.c_str(), 0, nullptr);
		all = json_object_get(root, "processes");
	}
	~Counters()
	{
		json_decref(root);
		EXPECT_EQ(0, system(("rm -r " + folder).c_str()));
	}
	json_t *of(const char *name) { return json_object_get(json_array_get(all, 0), name); }
	static inline const std::string folder = testing::TempDir() + "metrics-" + std::to_string(getpid());
	Ended ran;
	json_t *root, *all;
};

TEST(DevmemctlStatus, ReadsCountersAndSkipsOtherFiles)
{
	Counters counters("echo x >devmem-1.txt && echo nonsense >devmem-2.prom && echo x >devmem-x.prom && mkdir devmem-3.prom && "
			  "head -c 20000 /dev/zero | tr '\\0' '\\n' >devmem-4.prom && ln -s nowhere devmem-5.prom && "
			  "printf 'devmem_rx_bytes_total{path=\"linear\"} 7\ndevmem_tokens_taken_total 9\ndevmem_tokens_returned_total 4\n' >devmem-1.prom");
	EXPECT_EQ(1u, json_array_size(counters.all)) << counters.ran.text;
	EXPECT_EQ(7, json_integer_value(counters.of("rx_linear")));
	EXPECT_EQ(5, json_integer_value(counters.of("tokens_outstanding")));
	EXPECT_TRUE(json_is_true(counters.of("alive"))) << "process 1";
	EXPECT_GT(60, json_real_value(counters.of("age_s")));
}

TEST(DevmemctlStatus, WaitsForNoWriterOfAPipe)
{
	Counters counters("mkfifo devmem-1.prom");
	EXPECT_EQ(0u, json_array_size(counters.all)) << counters.ran.text;
}

// Two counters of a process that goes on meanwhile, and one that is as large as can be.
TEST(DevmemctlStatus, HasNoNegativeNumbers)
{
	Counters counters("printf 'devmem_tokens_taken_total 4\ndevmem_tokens_returned_total 9\ndevmem_fallbacks_total 18446744073709551615\n' >devmem-1.prom");
	EXPECT_EQ(0, json_integer_value(counters.of("tokens_outstanding")));
	EXPECT_EQ(INT64_MAX, json_integer_value(counters.of("fallbacks")));
}

TEST(DevmemctlStatus, SaysThatAProcessHasEnded)
{
	Counters ended("sh -c 'echo devmem_frags_total 1 >devmem-$$.prom'");
	ASSERT_EQ(1u, json_array_size(ended.all)) << ended.ran.text;
	EXPECT_TRUE(json_is_false(ended.of("alive"))) << ended.ran.text;
	Ended table = run("status --interval 0.1 --metrics " + ended.folder);
	EXPECT_TRUE(has(table.text, " (ended)")) << table.text;
}

TEST(DevmemctlStatus, KnowsANumberThatIsAnotherProcessByNow)
{
	Counters counters("echo devmem_frags_total 1 >devmem-1.prom && touch -d 2001-01-01 devmem-1.prom");
	ASSERT_EQ(1u, json_array_size(counters.all));
	EXPECT_TRUE(json_is_false(counters.of("alive"))) << "process 1 is younger than its counters";
}

TEST(DevmemctlStatus, TakesTheFolderFromTheEnvironmentAndFromNcclsFile)
{
	for (std::string environment : {"NCCL_DEVMEM_METRICS=" + Counters::folder, "HOME=" + Counters::folder}) {
		Counters counters("echo devmem_frags_total 1 >devmem-1.prom && echo NCCL_DEVMEM_METRICS=" + Counters::folder + " >.nccl.conf", environment);
		EXPECT_EQ(1u, json_array_size(counters.all)) << environment;
	}
}

TEST(DevmemctlStatus, SaysWhyANicIsNotUsedForDeviceMemory)
{
	for (const auto &[setting, reason] : std::map<std::string, std::string>{
		     {"NCCL_DEVMEM_PLAN=host NCCL_DEVMEM_MEMORY=udmabuf", "NCCL_DEVMEM_PLAN=host"}, {"NCCL_DEVMEM_MEMORY=host", "NCCL_DEVMEM_MEMORY=host"}}) {
		std::string environment = "NCCL_SOCKET_IFNAME==lo " + setting;
		Ended ran = run("status --json --interval 0.1", environment), table = run("status --interval 0.1", environment);
		json_t *root = json_loads(ran.text.c_str(), 0, nullptr), *nic = json_array_get(json_object_get(root, "devices"), 0);
		ASSERT_NE(nullptr, nic) << ran.text;
		EXPECT_STREQ(reason.c_str(), json_string_value(json_object_get(nic, "reason")));
		json_decref(root);
		EXPECT_TRUE(has(table.text, reason + "\n")) << table.text;
	}
}

TEST(DevmemctlStatus, WatchPrintsALineEachTimeUntilInterrupted)
{
	Ended ran = run("status --json --watch --interval 0.1 & sleep 1; kill -INT $!; wait $!");
	size_t lines = std::count(ran.text.begin(), ran.text.end(), '\n');
	EXPECT_EQ(0, ran.status);
	EXPECT_LE(3u, lines) << ran.text;
	for (size_t at = 0; at < ran.text.size(); at = ran.text.find('\n', at) + 1) {
		json_t *object = json_loads(ran.text.substr(at, ran.text.find('\n', at) - at).c_str(), 0, nullptr);
		EXPECT_TRUE(json_is_object(object)) << ran.text;
		json_decref(object);
	}
}

TEST(DevmemctlStatus, RefusesWrongOptions)
{
	for (const char *arguments : {"status extra", "status --interval 0", "status --interval x", "status --interval 4000", "status --nosuch"})
		EXPECT_EQ(64, run(arguments).status) << arguments;
}

TEST(DevmemctlCheck, RefusesWrongOptions)
{
	for (const char *arguments : {"check extra", "check --fix --peer host", "check --peer host --bytes 64", "check --peer host --bytes 1X", "check --peer host --bytes 1MB"})
		EXPECT_EQ(64, run(arguments).status) << arguments;
	EXPECT_EQ(2, run("check --json >/dev/full").status);
	EXPECT_TRUE(has(run("check >/dev/full").errors, "No space left"));
}

TEST(Devmemctl, RefusesWhatItDoesNotKnow)
{
	EXPECT_EQ(64, run("").status);
	EXPECT_EQ(64, run("nosuch").status);
	EXPECT_TRUE(has(run("nosuch").errors, "no command 'nosuch'"));
	EXPECT_EQ(64, run("params extra").status);
	EXPECT_EQ(64, run("params --nosuch").status);
}

TEST(Devmemctl, ListsItsCommands)
{
	Ended help = run("--help");

	EXPECT_EQ(0, help.status);
	EXPECT_TRUE(has(help.text, "params")) << help.text;
	EXPECT_TRUE(has(run("params --help").text, "Usage: devmemctl params")) << run("params --help").text;
	EXPECT_TRUE(has(run("--version").text, "devmemctl 0.")) << run("--version").text;
}

} // namespace
