// SPDX-License-Identifier: BSD-3-Clause
// devmemctl check on a machine where one thing is wrong: it names that first, and the command that it prints mends it.
#include <cstdlib>
#include <gtest/gtest.h>
#include <jansson.h>
#include <pwd.h>
#include <string>
#include <sys/stat.h>

#include "devmemd.h"
#include "testnet.h"

namespace {

constexpr char kGood[] = "NCCL_NET_PLUGIN=devmem NCCL_DEVMEM_MEMORY=udmabuf NCCL_DEVMEM_POOL_MB=16 NCCL_SOCKET_IFNAME=dm0";
constexpr char kAsUser[] = "setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=-all --bounding-set=-all";

// Lines of shell on host 1.
std::string shell(const std::string &lines, int *status = nullptr)
{
	std::ofstream("/tmp/lines.sh") << lines << "\n";
	return on_host(1, "sh /tmp/lines.sh", status);
}

struct Told {
	int status = -1;
	std::string worst, check, nic, mend, text;
	bool root = false;
};

std::string member(json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text ? text : "";
}

// Runs `prelude`, lines of shell, and then the check, on host 1.
Told check(const std::string &prelude = "", const std::string &as = "")
{
	Told told;
	json_error_t error;
	told.text = shell("export " + std::string(kGood) + "\n" + prelude + "\n" + as + " devmemctl check --json", &told.status);
	json_t *root = json_loads(told.text.c_str(), 0, &error);
	EXPECT_NE(nullptr, root) << error.text << "\n" << told.text;
	json_t *first = json_object_get(root, "first");
	told.worst = member(root, "worst");
	told.check = member(first, "check");
	told.nic = member(first, "nic");
	told.mend = member(first, "mend");
	told.root = json_is_true(json_object_get(first, "root"));
	json_decref(root);
	return told;
}

// What is wrong on the machine: `name` is told first, and its command, run by root, puts all in order.
void mends(const std::string &name, const std::string &worst = "FAIL")
{
	Told before = check();
	EXPECT_EQ(name, before.check) << before.text;
	EXPECT_EQ(worst, before.worst);
	EXPECT_EQ(worst == "FAIL" ? 2 : 1, before.status);
	ASSERT_NE("", before.mend) << before.text;
	EXPECT_TRUE(before.root);
	int status;
	std::string said = shell(before.mend, &status);
	EXPECT_EQ(0, status) << before.mend << ": " << said;
	Told after = check();
	EXPECT_EQ(0, after.status) << after.text;
	EXPECT_EQ("", after.check) << after.text;
}

// What is wrong in a job's environment, which `prelude` sets.
void mends_environment(const std::string &prelude, const std::string &name, const std::string &worst = "FAIL")
{
	Told before = check(prelude);
	EXPECT_EQ(name, before.check) << before.text;
	EXPECT_EQ(worst, before.worst);
	ASSERT_NE("", before.mend) << before.text;
	EXPECT_FALSE(before.root);
	// More may show when the first is put right: a variable kept other NICs away.
	std::string lines = prelude;
	Told now = before;
	for (int i = 0; i < 3 && now.mend != ""; i++) {
		lines += "\n" + now.mend;
		now = check(lines);
	}
	EXPECT_EQ(0, now.status) << lines << "\n" << now.text;
}

TEST(CheckGuest, AllIsInOrder)
{
	Told told = check();
	EXPECT_EQ(0, told.status) << told.text;
	EXPECT_EQ("OK", told.worst);
	std::string words = shell("export " + std::string(kGood) + "; devmemctl check");
	EXPECT_NE(std::string::npos, words.find("Plan of dm0: receive to device memory, send from device memory")) << words;
	EXPECT_NE(std::string::npos, words.find("All is in order.")) << words;
	EXPECT_NE(std::string::npos, words.find("takes ncclNetPlugin_v11")) << words;
}

TEST(CheckGuest, HeaderSplitOff)
{
	on_host(1, "header-split dm0 off");
	mends("header-split");
}

TEST(CheckGuest, SteeringOff)
{
	on_host(1, "ethtool -K dm0 ntuple off");
	mends("steering");
}

TEST(CheckGuest, OneQueue)
{
	shell("ethtool -X dm0 equal 1 && ethtool -L dm0 rx 1");
	mends("rx-queues");
}

TEST(CheckGuest, OrdinaryTrafficOnAllQueues)
{
	on_host(1, "ethtool -X dm0 default");
	mends("rx-queues");
}

TEST(CheckGuest, WrongMtu)
{
	on_host(1, "ip link set dev dm0 mtu 1500");
	mends("mtu", "WARN");
	on_host(1, "ip link set dev dm0 mtu 9000");
	mends("mtu", "WARN");
	on_host(1, "ip link set dev dm0 mtu 4148");
}

TEST(CheckGuest, TableFull)
{
	std::vector<uint32_t> locations;
	devmem_error err = {};
	enter_host(1);
	for (uint16_t port = 1;; port++) {
		devmem_rule rule = {};
		rule.dst = host_address(1, AF_INET, port);
		if (devmem_rule_add("dm0", &rule, &err))
			break;
		locations.push_back(rule.location);
	}
	EXPECT_EQ(-ENOSPC, err.code) << err.text;
	mends("rules");
	for (uint32_t location : locations)
		devmem_rule_del("dm0", location, nullptr);
	EXPECT_EQ(0, devmem_rule_list("dm0", nullptr, 0, nullptr));
}

TEST(CheckGuest, NoMemory)
{
	on_host(1, "mv /dev/udmabuf /dev/hidden");
	Told told = check();
	on_host(1, "mv /dev/hidden /dev/udmabuf");
	EXPECT_EQ("device-memory", told.check) << told.text;
	EXPECT_EQ("modprobe udmabuf", told.mend);
}

TEST(CheckGuest, SmallMemory)
{
	shell("echo 8 >/sys/module/udmabuf/parameters/size_limit_mb");
	mends("device-memory");
	shell("echo 1024 >/sys/module/udmabuf/parameters/size_limit_mb");
}

TEST(CheckGuest, Environment)
{
	mends_environment("unset NCCL_NET_PLUGIN", "NCCL_NET_PLUGIN");
	mends_environment("export NCCL_NET_PLUGIN=none", "NCCL_NET_PLUGIN");
	mends_environment("export NCCL_NET=Socket", "NCCL_NET");
	mends_environment("echo NCCL_NET=Socket >/tmp/nccl.conf; export NCCL_CONF_FILE=/tmp/nccl.conf", "NCCL_NET");
	mends_environment("export NCCL_NET_GDR_LEVEL=LOC", "NCCL_NET_GDR_LEVEL");
	mends_environment("export NCCL_DMABUF_ENABLE=0", "NCCL_DMABUF_ENABLE");
	mends_environment("export NCCL_DEVMEM_PLAN=host", "NCCL_DEVMEM_PLAN");
	mends_environment("export NCCL_DEVMEM_POOL_MB=many", "variables");
	mends_environment("export NCCL_DEVMEM_POOLMB=16", "misspelt", "WARN");
	mends_environment("export NCCL_SOCKET_IFNAME=dm7", "interface");
	mends_environment("export LD_LIBRARY_PATH=$DEVMEM_BUILD/lib/nccl", "plugin");
}

TEST(CheckGuest, AUserNeedsTheBroker)
{
	std::string named = std::string("export NCCL_DEVMEM_BROKER=") + kSocket;
	on_host(1, "chmod 666 /dev/udmabuf");

	const passwd *entry = getpwuid(kUser);
	std::string user = entry ? entry->pw_name : std::to_string(kUser);
	Told none = check(named, kAsUser);
	EXPECT_EQ("privilege", none.check) << none.text;
	EXPECT_EQ(std::string("devmemd --socket ") + kSocket + " --allow-user " + user + " &", none.mend);
	EXPECT_TRUE(none.root);

	enter_host(1);
	Devmemd daemon;
	daemon.start();
	Told served = check(named, kAsUser);
	EXPECT_EQ(0, served.status) << served.text;
	Told refused = check(named, "setpriv --reuid 1002 --regid 1002 --clear-groups --inh-caps=-all --bounding-set=-all");
	EXPECT_EQ("privilege", refused.check) << refused.text;
	EXPECT_EQ(0u, refused.mend.find("usermod -aG devmem ")) << refused.mend;
	daemon.end();
}

TEST(CheckGuest, FixMendsWhatHarmsNobody)
{
	int status;
	shell("header-split dm0 off && ethtool -K dm0 ntuple off && ip link set dev dm0 mtu 1500");
	std::string said = shell("export " + std::string(kGood) + "; devmemctl check --fix </dev/null", &status);
	EXPECT_EQ(1, status) << said;
	EXPECT_NE(std::string::npos, said.find("header-split dm0 on")) << said;
	EXPECT_NE(std::string::npos, said.find("ethtool -K dm0 ntuple on")) << said;
	EXPECT_NE(std::string::npos, said.find("not run: others may notice")) << "of the MTU: " << said;
	EXPECT_EQ("mtu", check().check);
	on_host(1, "ip link set dev dm0 mtu 4148");
	EXPECT_EQ(0, check().status);
}

TEST(CheckGuest, AsUserFixTouchesNothing)
{
	int status;
	on_host(1, "header-split dm0 off");
	std::string said = shell("export " + std::string(kGood) + "; " + kAsUser + " devmemctl check --fix </dev/null", &status);
	EXPECT_EQ(2, status) << said;
	EXPECT_NE(std::string::npos, said.find("not run: it takes root")) << said;
	mends("header-split");
}

// Every step says where its bytes went.
TEST(CheckGuest, PeerTellsWhatEachStepCosts)
{
	constexpr json_int_t kBytes = 16 << 20;
	int status;
	json_error_t error;
	std::string text = shell("export " + std::string(kGood) + "; devmemctl check --peer host0 --rsh on --address 10.0.0.1 --bytes 16M --json 2>/tmp/peer.err", &status);
	EXPECT_EQ(0, status) << on_host(1, "cat /tmp/peer.err");
	json_t *root = json_loads(text.c_str(), 0, &error), *steps = json_object_get(root, "steps");
	ASSERT_EQ(6u, json_array_size(steps)) << text;
	for (size_t i = 0; i < 6; i++) {
		json_t *step = json_array_get(steps, i);
		auto count = [&](const char *name) { return json_integer_value(json_object_get(step, name)); };
		SCOPED_TRACE(json_string_value(json_object_get(step, "step")));
		EXPECT_EQ(i < 3, json_is_true(json_object_get(step, "to_peer")));
		EXPECT_LT(0, json_real_value(json_object_get(step, "mb_per_s")));
		EXPECT_EQ(i % 3 ? kBytes : 0, count("rx_device"));
		EXPECT_EQ(i % 3 ? 0 : kBytes, count("rx_plain"));
		EXPECT_EQ(0, count("rx_linear"));
		EXPECT_EQ(i % 3 == 2 ? kBytes : 0, count("tx_device"));
	}
	json_decref(root);
}

TEST(CheckGuest, PeerSaysWhatWentWrong)
{
	int status;
	std::string none = shell("export " + std::string(kGood) + "; devmemctl check --peer host0 --rsh on --address 10.0.0.1 --remote /nosuch/devmemcat --bytes 1M 2>&1", &status);
	EXPECT_EQ(2, status) << none;
	EXPECT_NE(std::string::npos, none.find("give its path on the peer with --remote")) << none;
	std::string nowhere = shell("devmemctl check --peer no.such.host --rsh on --bytes 1M 2>&1", &status);
	EXPECT_EQ(2, status);
	EXPECT_NE(std::string::npos, nowhere.find("--address")) << nowhere;
}

} // namespace
