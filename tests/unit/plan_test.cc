// SPDX-License-Identifier: BSD-3-Clause
// The plan over every combination of what a machine may lack; interface filters.
#include <cstring>
#include <gtest/gtest.h>

#include "nic.h"
#include "plan.h"

namespace {

devmem_nic_caps caps_of(unsigned int bits)
{
	devmem_nic_caps caps = {};
	caps.net_admin = bits & 1;
	caps.bind_rx = bits & 2;
	caps.bind_tx = bits & 4;
	caps.header_split = bits & 8;
	caps.ntuple = bits & 16;
	caps.netmem_tx = bits & 32;
	caps.spread = bits & 64;
	caps.on_top = bits & 128;
	caps.broker = bits & 256;
	caps.netmem_rx = bits & 512;
	return caps;
}

TEST(Plan, IsDeviceExactlyWhereNothingIsMissing)
{
	for (unsigned int bits = 0; bits < 1024; bits++) {
		devmem_nic_caps caps = caps_of(bits);
		bool rx = (caps.net_admin || caps.broker) && caps.bind_rx && caps.netmem_rx && caps.header_split && caps.ntuple && !caps.spread;
		plan plan;

		plan_decide(PLAN_WISH_AUTO, DEVMEM_MEM_UDMABUF, &caps, "eth7", &plan);
		EXPECT_EQ(rx ? PLAN_RX_DEVICE : PLAN_RX_HOST, plan.rx) << bits;
		bool tx = caps.bind_tx && caps.netmem_tx && !caps.on_top;
		EXPECT_EQ(tx ? PLAN_TX_DEVICE : PLAN_TX_STAGED, plan.tx) << bits;
		EXPECT_EQ(!rx || !tx, plan.fallback) << bits;
		EXPECT_EQ(plan.fallback, plan.reason[0] != '\0') << bits;
		if (plan.fallback) {
			EXPECT_NE(nullptr, strstr(plan.reason, "eth7")) << plan.reason;
		}
	}
}

TEST(Plan, PlainTcpThatWasAskedForIsNoFallback)
{
	devmem_nic_caps all = caps_of(63 | 512), none = caps_of(0);
	plan plan;

	plan_decide(PLAN_WISH_HOST, DEVMEM_MEM_CUDA, &all, "eth7", &plan);
	EXPECT_EQ(PLAN_RX_HOST, plan.rx);
	EXPECT_EQ(PLAN_TX_STAGED, plan.tx);
	EXPECT_FALSE(plan.fallback);
	plan_decide(PLAN_WISH_AUTO, DEVMEM_MEM_HOST, &none, "eth7", &plan);
	EXPECT_FALSE(plan.fallback);
	EXPECT_STREQ("plain TCP by way of host memory", plan_text(&plan));
}

TEST(Plan, NamesTheCommandThatMendsIt)
{
	devmem_nic_caps caps = caps_of(63 | 512);
	plan plan;

	caps.header_split = false;
	plan_decide(PLAN_WISH_AUTO, DEVMEM_MEM_UDMABUF, &caps, "eth7", &plan);
	EXPECT_NE(nullptr, strstr(plan.reason, "ethtool -G eth7 tcp-data-split on")) << plan.reason;
	caps.header_split = true;
	caps.net_admin = false;
	plan_decide(PLAN_WISH_AUTO, DEVMEM_MEM_UDMABUF, &caps, "eth7", &plan);
	EXPECT_NE(nullptr, strstr(plan.reason, "CAP_NET_ADMIN")) << plan.reason;
}

TEST(Plan, DegradesWithTheReason)
{
	devmem_nic_caps caps = caps_of(63 | 512);
	devmem_error why;
	plan plan;

	plan_decide(PLAN_WISH_AUTO, DEVMEM_MEM_UDMABUF, &caps, "eth7", &plan);
	EXPECT_FALSE(plan.fallback);
	devmem_error_set(&why, -16, "no free queue");
	plan_degrade_rx(&plan, &why);
	EXPECT_EQ(PLAN_RX_HOST, plan.rx);
	EXPECT_EQ(PLAN_TX_DEVICE, plan.tx);
	devmem_error_set(&why, -95, "no bind-tx");
	plan_degrade_tx(&plan, &why);
	EXPECT_EQ(PLAN_TX_STAGED, plan.tx);
	EXPECT_STREQ("no free queue; no bind-tx", plan.reason);
}

TEST(NicFilter, HasTheFormOfNcclSocketIfname)
{
	EXPECT_TRUE(nic_filter_match(nullptr, "eth0"));
	EXPECT_TRUE(nic_filter_match("", "eth0"));
	EXPECT_TRUE(nic_filter_match("eth", "eth0"));
	EXPECT_TRUE(nic_filter_match("ib,eth", "eth0"));
	EXPECT_FALSE(nic_filter_match("ib,en", "eth0"));
	EXPECT_TRUE(nic_filter_match("=eth0,eth1", "eth1"));
	EXPECT_FALSE(nic_filter_match("=eth", "eth0"));
	EXPECT_FALSE(nic_filter_match("^eth,lo", "eth0"));
	EXPECT_TRUE(nic_filter_match("^docker", "eth0"));
	EXPECT_TRUE(nic_filter_match("^=eth", "eth0"));
	EXPECT_FALSE(nic_filter_match("^=eth0", "eth0"));
	EXPECT_TRUE(nic_filter_match(",,eth0,", "eth0"));
	EXPECT_TRUE(nic_filter_match("eth0:1", "eth0")) << "a port says nothing of interfaces";
	EXPECT_TRUE(nic_filter_match("=eth0:1", "eth0"));
	EXPECT_TRUE(nic_filter_match("=", "eth0")) << "an empty list matches everything";
	EXPECT_FALSE(nic_filter_match("^", "eth0"));
}

} // namespace
