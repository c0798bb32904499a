// SPDX-License-Identifier: BSD-3-Clause
// The client under test, its copy engine and its fetches.
#include "http_client.h"

#include <cerrno>

namespace {

LazyEngine *engine_of(devmem_exporter *exporter) { return reinterpret_cast<LazyEngine *>(exporter); }

int start(devmem_exporter *exporter, const devmem_copy *pieces, unsigned int n, uint64_t *fence)
{
	LazyEngine *engine = engine_of(exporter);

	if (engine->batches.size() == engine->fail_at) {
		engine->fail_at = UINT32_MAX;
		return -EIO;
	}
	if (engine->refused < engine->full) {
		engine->refused++;
		return -EAGAIN;
	}
	engine->refused = 0;
	*fence = engine->batches.size();
	engine->batches.push_back({{pieces, pieces + n}, 0});
	return 0;
}

int is_done(devmem_exporter *exporter, uint64_t fence)
{
	LazyEngine *engine = engine_of(exporter);
	LazyEngine::Batch *batch = &engine->batches[fence];

	if (batch->asked++ < engine->delay)
		return 0;
	if (fence == engine->break_at)
		return -EIO;
	engine->finish(batch);
	return 1;
}

} // namespace

LazyEngine::LazyEngine()
{
	ops.copy_start = start;
	ops.copy_done = is_done;
	base.ops = &ops;
	base.kind = DEVMEM_MEM_HOST;
}

void LazyEngine::finish(Batch *batch)
{
	for (auto &piece : batch->pieces)
		memcpy(piece.dst, piece.src, piece.len);
	batch->pieces.clear();
}

HttpClient::HttpClient(const devmem_http_options &options, LazyEngine *engine)
{
	devmem_error err = {};

	if (engine)
		exporter = &engine->base;
	else
		EXPECT_EQ(0, devmem_exporter_open(DEVMEM_MEM_HOST, -1, &exporter, &err)) << err.text;
	EXPECT_EQ(0, devmem_http_open(nullptr, exporter, &options, &http, &err)) << err.text;
}

HttpClient::~HttpClient()
{
	devmem_http_close(http);
	if (exporter->ops->close)
		devmem_exporter_close(exporter);
}

devmem_http_stats HttpClient::stats() const
{
	devmem_http_stats stats;
	devmem_http_stats_get(http, &stats);
	return stats;
}

bool HttpClient::run(const std::function<bool()> &done)
{
	int64_t until = clock_ms() + patience_ms;

	while (!done()) {
		pollfd fd = {devmem_http_fd(http), POLLIN, 0};
		int64_t left = until - clock_ms();
		if (left <= 0 || poll(&fd, 1, static_cast<int>(left)) <= 0)
			return false;
		devmem_http_progress(http);
	}
	return true;
}

bool HttpClient::is_quiet()
{
	pollfd fd = {devmem_http_fd(http), POLLIN, 0};

	for (int i = 0; i < 10 && poll(&fd, 1, 20) > 0; i++)
		devmem_http_progress(http);
	return poll(&fd, 1, 100) == 0;
}

HttpFetch::HttpFetch(HttpClient &with, const std::string &url) : client(&with)
{
	start_result = devmem_fetch_start(with.http, url.c_str(), room, this, &fetch, &error);
}

HttpFetch::~HttpFetch() { end(); }

void HttpFetch::end()
{
	devmem_fetch_end(fetch);
	fetch = nullptr;
	check_guards(memory);
	for (auto &place : earlier)
		check_guards(place);
}

void HttpFetch::check_guards(const std::string &memory)
{
	std::string untouched(guard, 'g');

	if (memory.empty())
		return;
	EXPECT_TRUE(memory.compare(0, guard, untouched) == 0 && memory.compare(memory.size() - guard, guard, untouched) == 0)
		<< "bytes were written outside of the object";
}

int HttpFetch::room(void *arg, uint64_t size, void **dst, devmem_error *err)
{
	auto *it = static_cast<HttpFetch *>(arg);

	it->asked++;
	if (it->refuse)
		return devmem_error_set(err, it->refuse, "no such room");
	if (it->no_room) {
		it->no_room -= it->no_room > 0;
		return 0;
	}
	it->sizes.push_back(size);
	if (!it->memory.empty())
		it->earlier.push_back(std::move(it->memory));
	it->memory = std::string(size + 2 * guard, 'g');
	*dst = &it->memory[guard];
	return 1;
}

devmem_fetch_info HttpFetch::info() const
{
	devmem_fetch_info info;
	devmem_fetch_info_get(fetch, &info);
	return info;
}

bool HttpFetch::run()
{
	EXPECT_EQ(0, start_result) << error.text;
	return start_result == 0 && client->run([this] { return info().ended; });
}
