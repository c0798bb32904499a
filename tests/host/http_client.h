// SPDX-License-Identifier: BSD-3-Clause
// The client under test on ordinary sockets, and fetches to buffers with guards on both sides.
#pragma once

#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <poll.h>
#include <string>
#include <vector>

#include "clock.h"
#include "devmem_http.h"
#include "http_server.h"
#include "mem_ops.h"

constexpr int patience_ms = 20'000; // what takes longer is taken for never

// Host memory whose copies are made when they are asked about for the n-th time; 0: at once.
struct LazyEngine {
	devmem_exporter base = {};
	devmem_exporter_ops ops = {};
	struct Batch {
		std::vector<devmem_copy> pieces;
		unsigned int asked;
	};
	std::vector<Batch> batches;
	unsigned int delay = 0;
	unsigned int full = 0;	// starts that are refused before each that is not
	unsigned int fail_at = UINT32_MAX; // the batch, of all, that cannot be started
	unsigned int break_at = UINT32_MAX; // the same, which fails when it is at its end
	unsigned int refused = 0;

	LazyEngine();
	void finish(Batch *batch);
};

struct HttpClient {
	devmem_exporter *exporter = nullptr;
	devmem_http *http = nullptr;
	explicit HttpClient(const devmem_http_options &options = {}, LazyEngine *engine = nullptr);
	~HttpClient();
	devmem_http_stats stats() const;
	// Makes progress until `done`, and waits for its descriptor alone between.
	bool run(const std::function<bool()> &done);
	// Its descriptor has nothing to tell for 100 ms; what it still had to tell is done before.
	bool is_quiet();
};

struct HttpFetch {
	static constexpr size_t guard = 64;
	std::string memory; // guard, object, guard
	std::vector<std::string> earlier; // places that are not used any more
	devmem_fetch *fetch = nullptr;
	int no_room = 0;     // so often room has none yet; -1: until told
	int refuse = 0;	     // what room refuses it with
	unsigned int asked = 0; // calls of room
	std::vector<uint64_t> sizes; // with which it was placed
	HttpClient *client;
	int start_result;
	devmem_error error = {};

	HttpFetch(HttpClient &client, const std::string &url);
	~HttpFetch();
	void end();
	static void check_guards(const std::string &memory);
	devmem_fetch_info info() const;
	bool run(); // until it has ended
	std::string bytes() const { return memory.substr(guard, memory.size() - 2 * guard); }
	static int room(void *arg, uint64_t size, void **dst, devmem_error *err);
};

// It ends right, with these bytes.
#define EXPECT_FETCHED(fetch, body)                                                                  \
	do {                                                                                         \
		ASSERT_TRUE((fetch).run());                                                          \
		EXPECT_EQ(0, (fetch).info().error.code) << (fetch).info().error.text;                \
		EXPECT_TRUE((fetch).bytes() == (body)) << (fetch).bytes().size() << " bytes are there"; \
		EXPECT_EQ((body).size(), (fetch).info().received);                                   \
	} while (0)
// It ends with this error, whose text has these words.
#define EXPECT_REFUSED(fetch, number, words)                                                         \
	do {                                                                                         \
		ASSERT_TRUE((fetch).run());                                                          \
		EXPECT_EQ(number, (fetch).info().error.code) << (fetch).info().error.text;           \
		EXPECT_NE(nullptr, strstr((fetch).info().error.text, words)) << (fetch).info().error.text; \
	} while (0)
