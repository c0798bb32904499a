// SPDX-License-Identifier: BSD-3-Clause
// --plugin NAME:VARIABLES: what is name, what is variable, and that an environment is as it was after it was changed.
#include <cstdlib>
#include <gtest/gtest.h>

extern "C" {
#include "plugin_spec.h"
}

namespace {

TEST(PluginSpec, IsANameAlone)
{
	for (const char *text : {"devmem", "/a/libx.so", "/odd:folder/libx.so", "a=b", "/odd,A=1/libx.so"}) {
		plugin_spec spec;
		EXPECT_EQ(nullptr, plugin_spec_parse(text, &spec)) << text;
		EXPECT_STREQ(text, spec.name);
		EXPECT_EQ(0u, spec.n_settings);
		plugin_spec_free(&spec);
	}
}

TEST(PluginSpec, HasVariablesWhoseValuesMayHaveCommas)
{
	plugin_spec spec;
	ASSERT_EQ(nullptr, plugin_spec_parse("/odd:folder/libx.so:NCCL_SOCKET_IFNAME==dm0,dm1,A=,B_2=c:D=e", &spec));
	EXPECT_STREQ("/odd:folder/libx.so", spec.name);
	ASSERT_EQ(3u, spec.n_settings);
	EXPECT_STREQ("=dm0,dm1", plugin_spec_setting(&spec, "NCCL_SOCKET_IFNAME"));
	EXPECT_STREQ("", plugin_spec_setting(&spec, "A"));
	EXPECT_STREQ("c:D=e", plugin_spec_setting(&spec, "B_2"));
	EXPECT_EQ(nullptr, plugin_spec_setting(&spec, "B"));
	plugin_spec_free(&spec);
}

TEST(PluginSpec, RefusesWhatIsNoVariableAndWhatIsTooMuch)
{
	std::string many = "devmem:A0=0";
	for (int i = 1; i <= PLUGIN_SETTINGS_MAX; i++)
		many += ",A" + std::to_string(i) + "=1";
	for (const std::string &text : {std::string("devmem:host"), std::string(":A=1"), std::string(""), std::string("devmem:"), std::string("devmem:1A=1"), many}) {
		plugin_spec spec;
		EXPECT_NE(nullptr, plugin_spec_parse(text.c_str(), &spec)) << text;
		plugin_spec_free(&spec);
	}
}

TEST(PluginScope, LeavesTheEnvironmentAsItWas)
{
	plugin_spec spec;
	plugin_scope scope;
	setenv("SPEC_TEST_SET", "before", 1);
	unsetenv("SPEC_TEST_UNSET");
	ASSERT_EQ(nullptr, plugin_spec_parse("x:SPEC_TEST_SET=1,SPEC_TEST_UNSET=2,SPEC_TEST_SET=3", &spec));
	plugin_scope_begin(&scope, &spec);
	plugin_scope_set(&scope, "SPEC_TEST_UNSET", "4");
	EXPECT_STREQ("3", getenv("SPEC_TEST_SET"));
	EXPECT_STREQ("4", getenv("SPEC_TEST_UNSET"));
	plugin_scope_end(&scope);
	EXPECT_STREQ("before", getenv("SPEC_TEST_SET"));
	EXPECT_EQ(nullptr, getenv("SPEC_TEST_UNSET"));
	plugin_spec_free(&spec);
}

} // namespace
