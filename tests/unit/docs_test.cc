// SPDX-License-Identifier: BSD-3-Clause
// The documents say what the code does: every variable of the plugin, and no other.
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sstream>

#include "params_table.h"

namespace {

std::string read(const std::string &path)
{
	std::ifstream file(std::string(DEVMEM_SOURCE_DIR) + "/" + path);
	std::stringstream text;

	EXPECT_TRUE(file.good()) << path;
	text << file.rdbuf();
	return text.str();
}

TEST(Readme, ListsEveryVariableOfThePlugin)
{
	std::string readme = read("README.md");

	for (unsigned int i = 0; i < params_count; i++)
		EXPECT_NE(std::string::npos, readme.find(std::string("`") + params_table[i].name + "`")) << params_table[i].name;
}

// What the manual page says of a variable, in one line.
std::string manual_entry(const param &param)
{
	char preset[PARAMS_TEXT], allowed[PARAMS_TEXT];
	std::string values = params_allowed(&param, allowed), value = params_default(&param, preset);

	if (param.kind == PARAM_TEXT)
		values = "Text";
	else if (param.kind == PARAM_CHOICE)
		values = "One of " + values;
	return std::string(".It Ev " PARAMS_PREFIX) + param.name + " " + param.help + ". " + values + "; default: " + (value.empty() ? "empty" : value) +
	       ".";
}

TEST(Manual, HasExactlyTheVariablesOfThePluginInTheirWords)
{
	std::istringstream page(read("man/libnccl-net-devmem.7"));
	std::string line, entries, expected;

	while (std::getline(page, line)) {
		bool entry = line.compare(0, strlen(".It Ev " PARAMS_PREFIX), ".It Ev " PARAMS_PREFIX) == 0;
		if (!entry && (entries.empty() || line[0] == '.'))
			entries += entries.empty() || entries.back() == '\n' ? "" : "\n";
		else
			entries += (entry ? (entries.empty() || entries.back() == '\n' ? "" : "\n") : " ") + line;
		if (line == ".Pp" && !entries.empty())
			break;
	}
	for (unsigned int i = 0; i < params_count; i++)
		expected += manual_entry(params_table[i]) + "\n";
	EXPECT_EQ(expected, entries);
}

TEST(Readme, ShowsNoVariableThatThePluginDoesNotHave)
{
	std::set<std::string> known;
	const std::string prefix = PARAMS_PREFIX;

	for (unsigned int i = 0; i < params_count; i++)
		known.insert(params_table[i].name);
	for (const char *path : {"README.md", "docs/architecture.md", "docs/broker.md", "docs/hardware.md", "docs/launching.md", "docs/testing.md", "docs/tracing.md", "man/devmemctl.1"}) {
		std::string text = read(path);
		for (size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at + 1)) {
			size_t start = at + prefix.size(), end = start;
			while (end < text.size() && (isupper(text[end]) || text[end] == '_'))
				end++;
			if (end > start) {
				EXPECT_EQ(1u, known.count(text.substr(start, end - start))) << path << ": " << text.substr(at, end - at);
			}
		}
	}
}

TEST(Docs, EveryPatchIsInTheKernelReadme)
{
	std::string readme = read("kernel/README.md");

	for (int i = 1; i <= 15; i++) {
		char number[8];
		snprintf(number, sizeof(number), "%04d", i);
		EXPECT_NE(std::string::npos, readme.find(std::string("| ") + number + " |")) << number;
	}
}

} // namespace
