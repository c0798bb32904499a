// SPDX-License-Identifier: BSD-3-Clause
// How a client of libdevmem-http gets on: room that is awaited, a quiet descriptor, many fetches at once, engines that are slow or fail.
#include <cerrno>
#include <set>

#include "http_scripts.h"

namespace {

TEST(HttpClient, RoomThatIsNotThereYet)
{
	HttpServer server(right());
	HttpClient client(options(2, 1000));
	HttpFetch fetch(client, server.url("/a"));

	fetch.no_room = -1;
	ASSERT_TRUE(client.run([&] { return fetch.asked > 0; }));
	EXPECT_TRUE(client.is_quiet()) << "nobody calls, so nothing moves";
	unsigned int asked = fetch.asked;
	EXPECT_EQ(1, devmem_http_progress(client.http));
	EXPECT_EQ(asked + 1, fetch.asked);
	EXPECT_EQ(0u, fetch.info().received);
	EXPECT_EQ(body.size(), fetch.info().size);
	fetch.no_room = 0;
	EXPECT_EQ(1, devmem_http_progress(client.http));
	EXPECT_FETCHED(fetch, body);
}

// A server's patience ends; who waited for room is not to blame.
TEST(HttpClient, AConnectionThatEndsWhileRoomIsAwaited)
{
	HttpServer server([](HttpConnection &to, const HttpRequest &request) {
		std::string answer = http_right(request, body);
		if (request.number) {
			to.send(answer);
			return true;
		}
		to.send(answer.substr(0, answer.find("\r\n\r\n") + 4));
		to.reset();
		return false;
	});
	HttpClient client(options(1, 0, 2));
	HttpFetch fetch(client, server.url("/a"));

	fetch.no_room = -1;
	ASSERT_TRUE(client.run([&] { return fetch.asked > 0; }));
	EXPECT_TRUE(client.is_quiet());
	fetch.no_room = 0;
	devmem_http_progress(client.http);
	EXPECT_FETCHED(fetch, body);
}

TEST(HttpClient, RoomThatIsRefused)
{
	HttpServer server(right());
	HttpClient client;
	HttpFetch fetch(client, server.url("/a")), next(client, server.url("/b"));

	fetch.refuse = -EDQUOT;
	EXPECT_REFUSED(fetch, -EDQUOT, "no such room");
	EXPECT_EQ(1u, fetch.asked);
	EXPECT_FETCHED(next, body);
}

TEST(HttpClient, QuietWhileTheHeadIsAwaitedAndWhileIdle)
{
	std::atomic<bool> go{false};
	HttpServer server([&](HttpConnection &to, const HttpRequest &request) {
		while (!go)
			usleep(1000);
		to.send(http_right(request, body));
		return true;
	});
	HttpClient client;

	EXPECT_TRUE(client.is_quiet()) << "before the first fetch";
	HttpFetch fetch(client, server.url("/a"));
	ASSERT_TRUE(client.run([&] { return client.stats().requests == 1; }));
	EXPECT_TRUE(client.is_quiet());
	go = true;
	EXPECT_FETCHED(fetch, body);
	EXPECT_TRUE(client.is_quiet());
}

TEST(HttpClient, QuietWhileTheBodyIsAwaited)
{
	std::atomic<bool> go{false};
	HttpServer server([&](HttpConnection &to, const HttpRequest &request) {
		std::string answer = http_right(request, body);
		to.send(answer.substr(0, answer.size() - 1));
		while (!go)
			usleep(1000);
		to.send(answer.substr(answer.size() - 1));
		return true;
	});
	HttpClient client;
	HttpFetch fetch(client, server.url("/a"));

	ASSERT_TRUE(client.run([&] { return fetch.info().received == body.size() - 1; }));
	EXPECT_TRUE(client.is_quiet());
	go = true;
	EXPECT_FETCHED(fetch, body);
}

TEST(HttpClient, QuietAfterTheServerEndsItsConnections)
{
	HttpServer server([](HttpConnection &to, const HttpRequest &request) {
		to.send(http_right(request, body));
		usleep(10'000);
		return false;
	});
	HttpClient client(options(4, 1000));
	HttpFetch fetch(client, server.url("/a"));

	EXPECT_FETCHED(fetch, body);
	usleep(30'000);
	EXPECT_TRUE(client.is_quiet());
}

// The caller need not know that the first step is his.
TEST(HttpClient, TellsOfAFetchThatBegins)
{
	HttpServer server(right());
	HttpClient client;

	EXPECT_TRUE(client.is_quiet());
	HttpFetch fetch(client, server.url("/a"));
	pollfd fd = {devmem_http_fd(client.http), POLLIN, 0};
	EXPECT_EQ(1, poll(&fd, 1, 1000));
	EXPECT_FETCHED(fetch, body);
}

TEST(HttpClient, AFetchThatIsGivenUp)
{
	HttpServer server([](HttpConnection &to, const HttpRequest &request) {
		std::string answer = http_right(request, body);
		to.send(request.target == "/a" ? answer.substr(0, answer.size() - 1) : answer);
		return true;
	});
	HttpClient client(options(1));
	HttpFetch fetch(client, server.url("/a")), next(client, server.url("/b"));

	ASSERT_TRUE(client.run([&] { return fetch.info().received == body.size() - 1; }));
	EXPECT_TRUE(client.is_quiet());
	fetch.end(); // its connection is free now: the descriptor must tell
	EXPECT_FETCHED(next, body);
	EXPECT_EQ(2u, server.connections());
}

TEST(HttpClient, FetchesThatAreGivenUpAtAnyTime)
{
	HttpServer server(right(http_bytes(300'000)));
	LazyEngine engine;
	engine.delay = 2;
	HttpClient client(options(3, 10'000), &engine);

	for (int steps = 0; steps < 60; steps++) {
		HttpFetch fetch(client, server.url("/a"));
		for (int i = 0; i < steps; i++) {
			pollfd fd = {devmem_http_fd(client.http), POLLIN, 0};
			poll(&fd, 1, 2);
			devmem_http_progress(client.http);
		}
	}
	HttpFetch fetch(client, server.url("/a"));
	EXPECT_FETCHED(fetch, http_bytes(300'000));
}

TEST(HttpClient, ClosedWithIdleConnections)
{
	HttpServer server(right());
	HttpClient client(options(4, 1000));

	{
		HttpFetch fetch(client, server.url("/a"));
		EXPECT_FETCHED(fetch, body);
	}
	EXPECT_EQ(4u, server.connections());
}

TEST(HttpClient, ClosedUnused)
{
	HttpClient client(options(DEVMEM_HTTP_CONNECTIONS));
	EXPECT_EQ(static_cast<unsigned int>(DEVMEM_HTTP_CONNECTIONS), devmem_http_connections(client.http));
}

TEST(HttpClient, AHundredFetchesOverFourConnections)
{
	HttpServer server([](HttpConnection &to, const HttpRequest &request) {
		unsigned int key = static_cast<unsigned int>(std::stoul(request.target.substr(1)));
		to.send(http_right(request, http_bytes(key * 97, key)));
		return true;
	});
	HttpClient client(options(4, 3000));
	std::vector<std::unique_ptr<HttpFetch>> fetches;

	for (unsigned int i = 0; i < 100; i++)
		fetches.push_back(std::make_unique<HttpFetch>(client, server.url("/" + std::to_string(i))));
	for (unsigned int i = 0; i < 100; i++)
		EXPECT_FETCHED(*fetches[i], http_bytes(i * 97, i));
	EXPECT_EQ(4u, server.connections());
	EXPECT_EQ(0, devmem_http_progress(client.http));
}

TEST(HttpClient, OneClientAndManyServers)
{
	HttpServer a(right()), b(right(second));
	HttpClient client(options(2));

	for (int i = 0; i < 4; i++) {
		HttpFetch one(client, a.url("/a")), two(client, b.url("/b")), three(client, a.url("/c"));
		EXPECT_FETCHED(one, body);
		EXPECT_FETCHED(two, second);
		EXPECT_FETCHED(three, body);
	}
}

// One that is never out of bytes must not keep the caller from what else is there.
TEST(HttpClient, AServerThatIsFasterThanTheClient)
{
	const std::string block = http_bytes(1 << 20);
	std::string large;
	for (int i = 0; i < 64; i++)
		large += block;
	HttpServer server(right(large));
	HttpClient client(options(1, 1 << 30));
	HttpFetch fetch(client, server.url("/a"));
	uint64_t before = 0, most = 0;

	ASSERT_TRUE(client.run([&] {
		uint64_t now = fetch.info().received;
		most = std::max(most, now - before);
		before = now;
		return fetch.info().ended;
	}));
	EXPECT_TRUE(fetch.bytes() == large);
	EXPECT_LE(most, 17u << 20);
}

TEST(HttpClient, ASlowEngineAndAFullOne)
{
	const std::string large = http_bytes(3'000'017);
	HttpServer server(right(large));

	for (unsigned int delay : {1u, 3u})
		for (unsigned int full : {0u, 2u}) {
			LazyEngine engine;
			engine.delay = delay;
			engine.full = full;
			HttpClient client(options(3, 500'000), &engine);
			HttpFetch fetch(client, server.url("/a"));
			EXPECT_FETCHED(fetch, large);
			EXPECT_TRUE(client.is_quiet());
		}
}

TEST(HttpClient, AnEngineThatFails)
{
	HttpServer server(right());
	LazyEngine engine;
	engine.delay = 2;
	HttpClient client(options(1), &engine);

	engine.fail_at = 0;
	HttpFetch fetch(client, server.url("/a")), next(client, server.url("/b"));
	EXPECT_REFUSED(fetch, -EIO, "device cannot copy");
	EXPECT_FETCHED(next, body);
}

// The first connection of the fetch is gone already, and its second one is free then without a word from any socket.
TEST(HttpClient, AnEngineThatFailsLate)
{
	const std::string small = http_bytes(3000);
	HttpServer server([&](HttpConnection &to, const HttpRequest &request) {
		std::string answer = http_right(request, small);
		if (request.target == "/c" || (request.target == "/a" && !request.first())) {
			to.send(answer.insert(answer.find("\r\n") + 2, "Connection: close\r\n"));
			return false;
		}
		to.wait_for_end();
		return false;
	});
	LazyEngine engine;
	SilentPort nobody;
	engine.delay = UINT32_MAX;
	engine.break_at = 0;
	HttpClient client(options(2, 1504), &engine);
	HttpFetch fetch(client, server.url("/a"));
	EXPECT_TRUE(client.run([&] { return client.stats().requests == 2 && fetch.info().received == 1504; }));
	HttpFetch silent(client, nobody.url("/b")), next(client, server.url("/c"));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(3, devmem_http_progress(client.http));
	EXPECT_EQ(2u, client.stats().requests) << "both connections are in use";
	engine.delay = 0;
	EXPECT_REFUSED(fetch, -EIO, "device cannot copy");
	EXPECT_FETCHED(next, small);
}

// A restart must wait for copies of what came before it.
TEST(HttpClient, ARestartWhileCopiesAreUnderWay)
{
	HttpServer server([](HttpConnection &to, const HttpRequest &request) {
		HttpRequest blind = request;
		blind.fields.erase("if-range");
		to.send(request.number < 5 ? http_right(blind, body) : http_right(blind, second, "\"2\""));
		return true;
	});
	LazyEngine engine;
	engine.delay = 10;
	HttpClient client(options(3, 1000), &engine);
	HttpFetch fetch(client, server.url("/a"));

	EXPECT_FETCHED(fetch, second);
}

TEST(HttpClient, WhatCannotBeStarted)
{
	HttpClient client;
	const std::pair<const char *, int> urls[] = {{"ftp://127.0.0.1/", -EINVAL}, {"https://127.0.0.1/", -EPROTONOSUPPORT}, {"http://", -EINVAL}, {"", -EINVAL}};

	for (auto &[url, code] : urls) {
		HttpFetch fetch(client, url);
		EXPECT_EQ(code, fetch.start_result) << url;
		EXPECT_EQ(nullptr, fetch.fetch);
		EXPECT_NE('\0', fetch.error.text[0]);
	}
	devmem_fetch_end(nullptr);
	devmem_http_close(nullptr);
}

TEST(HttpClient, TooManyConnections)
{
	devmem_exporter *exporter;
	devmem_http *http;
	devmem_http_options many = options(DEVMEM_HTTP_CONNECTIONS + 1);
	devmem_error err = {};

	ASSERT_EQ(0, devmem_exporter_open(DEVMEM_MEM_HOST, -1, &exporter, &err));
	EXPECT_EQ(-EINVAL, devmem_http_open(nullptr, exporter, &many, &http, &err));
	EXPECT_EQ(nullptr, http);
	devmem_exporter_close(exporter);
}

} // namespace
