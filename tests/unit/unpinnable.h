// SPDX-License-Identifier: BSD-3-Clause
// Memory that can be read and not pinned, as a driver's mappings are.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>

// The kernel's clock page. NULL where there is none.
inline const uint8_t *unpinnable()
{
	std::ifstream maps("/proc/self/maps");
	std::string line;

	while (std::getline(maps, line))
		if (line.find("[vvar]") != std::string::npos)
			return reinterpret_cast<const uint8_t *>(std::stoull(line, nullptr, 16));
	return nullptr;
}
