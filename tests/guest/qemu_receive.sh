#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Inside one QEMU guest: what a stock kernel can do of the tests of the kernel's interface, of payload and of the plugin.
#
# Not there: whatever sends device memory, binding to lo, which 6.12 answers with a warning of its own, and an error of later kernels that the
# series brings to 6.12.
set -e
dmesg | grep 'dmnic: this kernel has no transmit of device memory (netmem_tx): receive only'
pattern_test --gtest_filter='*Received*'
uapi_test --gtest_filter='BindRx.*:Udmabuf.*:ReceiveDevice.*-*ADeviceThatDoesNoDma:*RefusesWithoutHeaderSplit:*MaySendAllTheSame'
plugin_devmem_test --gtest_filter='*NoTx*'
