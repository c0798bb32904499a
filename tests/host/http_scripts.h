// SPDX-License-Identifier: BSD-3-Clause
// Scripts of servers that several tests of the client use.
#pragma once

#include "http_client.h"

namespace {

const std::string body [[maybe_unused]] = http_bytes(10'007);
const std::string second [[maybe_unused]] = http_bytes(10'007, 1);

// One body, by a server that knows ranges.
inline HttpScript right(const std::string &bytes = body)
{
	return [bytes](HttpConnection &to, const HttpRequest &request) {
		to.send(http_right(request, bytes));
		return true;
	};
}

// Each answer in turn, the last for all after it; then the connection ends.
inline HttpScript canned(std::vector<std::string> answers, bool keep = true)
{
	return [answers, keep](HttpConnection &to, const HttpRequest &request) {
		to.send(answers[std::min<size_t>(request.number, answers.size() - 1)]);
		return keep;
	};
}

inline devmem_http_options options(unsigned int connections, uint64_t part_bytes = 0, unsigned int tries = 0)
{
	devmem_http_options options = {};
	options.connections = connections;
	options.part_bytes = part_bytes;
	options.tries = tries;
	return options;
}

} // namespace
