// SPDX-License-Identifier: BSD-3-Clause
// The documents say what the code does: every variable of the plugin, and no other.
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sstream>

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

	for (const char *name : {
#define TEXT(member, name, value, help) name,
#define NUMBER(member, name, value, min, max, help) name,
#define CHOICE(member, name, value, choices, help) name,
#include "../../plugin/params.def"
#undef TEXT
#undef NUMBER
#undef CHOICE
	     })
		EXPECT_NE(std::string::npos, readme.find(std::string("`") + name + "`")) << name;
}

TEST(Readme, ShowsNoVariableThatThePluginDoesNotHave)
{
	const std::set<std::string> known = {
#define TEXT(member, name, value, help) name,
#define NUMBER(member, name, value, min, max, help) name,
#define CHOICE(member, name, value, choices, help) name,
#include "../../plugin/params.def"
#undef TEXT
#undef NUMBER
#undef CHOICE
	};
	const std::string prefix = "NCCL_DEVMEM_";

	for (const char *path : {"README.md", "docs/architecture.md", "docs/hardware.md", "docs/testing.md"}) {
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
