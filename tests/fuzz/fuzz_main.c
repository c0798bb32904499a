// SPDX-License-Identifier: BSD-3-Clause
/* libFuzzer's entry to one parser, which the build names: -DFUZZ_PARSER=fuzz_wire. */
#include "fuzz_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FUZZ_PARSER(data, size);
	return 0;
}
