# SPDX-License-Identifier: GPL-2.0-only
# What a kernel says when something is wrong, an extended regular expression; "Call Trace" catches what these words miss. Sourced.
# shellcheck shell=bash disable=SC2034 # those that source it use it
bad='WARNING|BUG:|Oops|KASAN|UBSAN|Call Trace|INFO: .* (detected|blocked)|suspicious RCU|possible recursive|circular locking|stalled pool shutdown|genpool|refcount_t:|unregister_netdevice: waiting|Kernel panic'
