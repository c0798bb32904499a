// SPDX-License-Identifier: BSD-3-Clause
// The client against the answers that the fuzz target begins with, cut and changed at random.
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "../fuzz/fuzz_parse.h"

namespace {

std::vector<std::string> seeds()
{
	std::vector<std::string> all;
	for (auto &entry : std::filesystem::directory_iterator(SEEDS)) {
		std::ifstream file(entry.path(), std::ios::binary);
		all.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
	}
	std::sort(all.begin(), all.end()); // folders have no order
	return all;
}

void run(const std::string &bytes) { fuzz_response(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()); }

TEST(HttpResponse, SeedsWithEveryChoice)
{
	auto all = seeds();
	ASSERT_GE(all.size(), 20u);
	for (auto &seed : all)
		for (unsigned int i = 0; i < 6 * 8 * 4; i++) {
			seed[0] = static_cast<char>(i % 6);
			seed[1] = static_cast<char>(i / 6 % 8);
			seed[2] = static_cast<char>(i / 48);
			run(seed);
		}
}

TEST(HttpResponse, SeedsThatEndAtEveryByte)
{
	for (auto &seed : seeds())
		for (size_t size = 0; size < seed.size(); size += 3)
			run(seed.substr(0, size));
}

TEST(HttpResponse, SeedsThatAreChangedAtRandom)
{
	std::mt19937 random(11);
	auto all = seeds();

	for (int i = 0; i < 2000; i++) {
		std::string seed = all[random() % all.size()];
		for (unsigned int n = random() % 4; n; n--) {
			size_t at = random() % seed.size();
			switch (random() % 3) {
			case 0:
				seed[at] = static_cast<char>(random() % 3 ? 0xfc + random() % 4 : random());
				break;
			case 1:
				seed.erase(at, 1 + random() % 20);
				break;
			default:
				seed.insert(at, all[random() % all.size()].substr(0, random() % 200));
			}
			if (seed.empty())
				break;
		}
		run(seed);
	}
}

} // namespace
