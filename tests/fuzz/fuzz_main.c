// SPDX-License-Identifier: BSD-3-Clause
/* libFuzzer's entry: the first byte chooses the parser. */
#include "fuzz_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const targets[])(const uint8_t *data, size_t size) = {fuzz_wire, fuzz_recv,
									    fuzz_text, fuzz_broker,
									    fuzz_metrics};

	if (size)
		targets[data[0] % 5](data + 1, size - 1);
	return 0;
}
