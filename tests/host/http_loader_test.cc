// SPDX-License-Identifier: BSD-3-Clause
// The loader over loopback: order, a window that is full most of the time, and objects that fail.
#include <atomic>
#include <cerrno>
#include <deque>

#include "http_client.h"

namespace {

constexpr uint64_t page = 4096;

// Object /N has sizes[N] bytes; the first `busy` requests of object 0 are answered with 503.
struct Objects {
	std::vector<size_t> sizes;
	std::atomic<unsigned int> busy{0};
	std::atomic<bool> hold{false}; // answers wait
	HttpServer server;
	explicit Objects(std::vector<size_t> of_sizes)
		: sizes(std::move(of_sizes)), server([this](HttpConnection &to, const HttpRequest &request) { return answer(to, request); })
	{
	}
	~Objects() { hold = false; }
	bool answer(HttpConnection &to, const HttpRequest &request)
	{
		size_t number = std::stoul(request.target.substr(1));
		while (hold)
			usleep(1000);
		if (number >= sizes.size())
			to.send(http_head("404 Not Found", 0));
		else if (number == 0 && busy > 0 && busy-- > 0)
			to.send(http_head("503 Busy", 0));
		else
			to.send(http_right(request, bytes(number)));
		return true;
	}
	std::string bytes(uint64_t number) const { return http_bytes(sizes[number], static_cast<unsigned int>(number)); }
};

struct Loader {
	HttpClient client;
	devmem_loader *loader = nullptr;
	devmem_object object = {};
	devmem_error error = {};
	std::vector<std::string> urls;

	Loader(const std::vector<std::string> &of_urls, uint64_t window_bytes, unsigned int connections = 4, unsigned int ahead = 0, LazyEngine *engine = nullptr)
		: client(make_options(connections), engine), urls(of_urls)
	{
		std::vector<const char *> list;
		for (auto &url : urls)
			list.push_back(url.c_str());
		memory.resize(window_bytes + page);
		void *start = reinterpret_cast<void *>((reinterpret_cast<uintptr_t>(memory.data()) + page - 1) / page * page);
		at = {client.exporter, start, window_bytes, -1, 0, false};
		EXPECT_EQ(0, devmem_loader_open(client.http, &at, list.data(), list.size(), ahead, &loader, &error)) << error.text;
	}
	~Loader() { devmem_loader_close(loader); }
	static devmem_http_options make_options(unsigned int connections)
	{
		devmem_http_options options = {};
		options.connections = connections;
		options.part_bytes = 5000;
		options.tries = 3;
		return options;
	}
	// What devmem_loader_next() gives once it is not 0; 0 after patience.
	int next(int patience = patience_ms)
	{
		int ret = 0;
		int64_t until = clock_ms() + patience;
		while ((ret = devmem_loader_next(loader, &object, &error)) == 0) {
			pollfd fd = {devmem_http_fd(client.http), POLLIN, 0};
			int64_t left = until - clock_ms();
			if (left <= 0 || poll(&fd, 1, static_cast<int>(left)) <= 0)
				return 0;
		}
		return ret;
	}
	std::string bytes() const { return std::string(static_cast<const char *>(object.addr), object.size); }
	int release(uint64_t number) { return devmem_loader_release(loader, number); }

      private:
	std::vector<char> memory;
	devmem_mem at = {};
};

std::vector<std::string> all_of(const Objects &objects)
{
	std::vector<std::string> urls;
	for (size_t i = 0; i < objects.sizes.size(); i++)
		urls.push_back(objects.server.url("/" + std::to_string(i)));
	return urls;
}

std::vector<size_t> random_sizes(size_t n, size_t largest)
{
	std::vector<size_t> sizes;
	for (size_t i = 0; i < n; i++)
		sizes.push_back(i * 7919 * 31 % (largest + 1));
	return sizes;
}

TEST(HttpLoader, InOrderThroughASmallWindow)
{
	Objects objects(random_sizes(60, 20'000));
	Loader loader(all_of(objects), 40'000);

	for (uint64_t i = 0; i < 60; i++) {
		ASSERT_EQ(1, loader.next()) << loader.error.text;
		EXPECT_EQ(i, loader.object.number);
		EXPECT_EQ(loader.urls[i], loader.object.url);
		EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(loader.object.addr) % page);
		EXPECT_TRUE(objects.bytes(i) == loader.bytes()) << i;
		EXPECT_EQ(0, loader.release(i));
		EXPECT_EQ(-EINVAL, loader.release(i));
	}
	EXPECT_EQ(-ENODATA, loader.next());
	EXPECT_EQ(-ENODATA, loader.next());
	EXPECT_TRUE(loader.client.is_quiet());
}

// Some are kept for later, and given back in another order than they came; what is kept must not change.
TEST(HttpLoader, ReleasedInAnyOrder)
{
	Objects objects(random_sizes(80, 9'000));
	Loader loader(all_of(objects), 100'000);
	struct Kept {
		uint64_t number;
		std::string bytes;
		const void *addr;
	};
	std::deque<Kept> kept;

	for (uint64_t i = 0; i < 80; i++) {
		ASSERT_EQ(1, loader.next()) << loader.error.text;
		kept.push_back({i, objects.bytes(i), loader.object.addr});
		for (auto &one : kept)
			ASSERT_EQ(0, memcmp(one.bytes.data(), one.addr, one.bytes.size())) << one.number;
		if (kept.size() < 3)
			continue;
		auto which = kept.begin() + static_cast<int64_t>(i * 5 % 3);
		EXPECT_EQ(0, loader.release(which->number));
		kept.erase(which);
	}
	EXPECT_EQ(-ENODATA, loader.next());
}

TEST(HttpLoader, OnlyWhatIsOutCanBeReleased)
{
	Objects objects({10, 10});
	Loader loader(all_of(objects), page * 4);

	EXPECT_EQ(-EINVAL, loader.release(0));
	ASSERT_EQ(1, loader.next());
	EXPECT_EQ(-EINVAL, loader.release(1));
	EXPECT_EQ(-EINVAL, loader.release(UINT64_MAX));
	EXPECT_EQ(0, loader.release(0));
}

TEST(HttpLoader, NoObjects)
{
	Loader loader({}, page);
	EXPECT_EQ(-ENODATA, loader.next());
}

TEST(HttpLoader, AnObjectThatIsLargerThanTheWindow)
{
	Objects objects({100, 100'000, 100});
	Loader loader(all_of(objects), 3 * page);

	for (uint64_t i = 0; i < 3; i++) {
		ASSERT_EQ(i == 1 ? -EMSGSIZE : 1, loader.next());
		EXPECT_EQ(i, loader.object.number);
		EXPECT_EQ(loader.urls[i], loader.object.url);
		if (i == 1) {
			EXPECT_NE(nullptr, strstr(loader.error.text, "100000 bytes")) << loader.error.text;
			EXPECT_EQ(-EINVAL, loader.release(1));
			continue;
		}
		EXPECT_EQ(objects.bytes(i), loader.bytes());
		EXPECT_EQ(0, loader.release(i));
	}
}

TEST(HttpLoader, AnObjectAsLargeAsTheWindow)
{
	Objects objects({3 * page, 3 * page + 5, 3 * page + 5});
	Loader loader(all_of(objects), 3 * page + 5);

	for (uint64_t i = 0; i < 3; i++) {
		ASSERT_EQ(1, loader.next()) << loader.error.text;
		EXPECT_TRUE(objects.bytes(i) == loader.bytes());
		EXPECT_EQ(0, loader.release(i));
	}
}

TEST(HttpLoader, ObjectsThatFailKeepNoOtherFromComing)
{
	Objects objects({5000, 5000, 5000});
	auto urls = all_of(objects);
	urls.insert(urls.begin() + 1, objects.server.url("/99"));
	urls.insert(urls.begin() + 2, "https://127.0.0.1/");
	urls.insert(urls.begin() + 4, ClosedPort().url("/"));
	Loader loader(urls, 2 * page);
	const int wanted[] = {1, -ENOENT, -EPROTONOSUPPORT, 1, -ECONNREFUSED, 1};

	for (uint64_t i = 0; i < 6; i++) {
		EXPECT_EQ(wanted[i], loader.next()) << i;
		EXPECT_EQ(i, loader.object.number);
		EXPECT_EQ(urls[i], loader.object.url);
		if (wanted[i] == 1) {
			EXPECT_EQ(0, loader.release(i));
		}
	}
	EXPECT_EQ(-ENODATA, loader.next());
}

// Who keeps one object until he has the next must get that one.
TEST(HttpLoader, RoomOfAnObjectThatFailsIsForTheNext)
{
	const std::string body = http_bytes(2 * page);
	HttpServer server([&](HttpConnection &to, const HttpRequest &request) {
		std::string answer = http_whole(body);
		to.send(request.target == "/1" ? answer.substr(0, answer.size() - 1) : answer);
		return request.target != "/1";
	});
	Loader loader({server.url("/0"), server.url("/1"), server.url("/2")}, 4 * page);

	ASSERT_EQ(1, loader.next()) << loader.error.text;
	EXPECT_EQ(-ESTALE, loader.next()) << loader.error.text;
	ASSERT_EQ(1, loader.next()) << loader.error.text;
	EXPECT_EQ(2u, loader.object.number);
	EXPECT_TRUE(body == loader.bytes());
}

TEST(HttpLoader, QuietWhileTheWindowIsFullAndToldWhenItIsNot)
{
	Objects objects({2 * page, 2 * page, 2 * page});
	Loader loader(all_of(objects), 2 * page);

	ASSERT_EQ(1, loader.next());
	ASSERT_EQ(0, loader.next(200));
	EXPECT_TRUE(loader.client.is_quiet());
	EXPECT_EQ(0, loader.release(0));
	pollfd fd = {devmem_http_fd(loader.client.http), POLLIN, 0};
	EXPECT_EQ(1, poll(&fd, 1, 1000)) << "a connection waits for what was released";
	ASSERT_EQ(1, loader.next());
	EXPECT_EQ(1u, loader.object.number);
	EXPECT_TRUE(objects.bytes(1) == loader.bytes());
}

TEST(HttpLoader, QuietWhileAServerThinks)
{
	Objects objects({100});
	objects.hold = true;
	Loader loader(all_of(objects), page);

	ASSERT_EQ(0, loader.next(100));
	EXPECT_TRUE(loader.client.is_quiet());
	objects.hold = false;
	EXPECT_EQ(1, loader.next());
}

// All connections wait for room that comes free only after an object that waits for a connection.
TEST(HttpLoader, MoreAheadThanConnections)
{
	for (unsigned int connections : {1u, 2u}) {
		Objects objects(random_sizes(20, 9'000));
		objects.busy = 2;
		Loader loader(all_of(objects), 12'000, connections, 8);

		for (uint64_t i = 0; i < 20; i++) {
			ASSERT_EQ(1, loader.next()) << "object " << i << ": " << loader.error.text;
			EXPECT_TRUE(objects.bytes(i) == loader.bytes());
			EXPECT_EQ(0, loader.release(i));
		}
	}
}

TEST(HttpLoader, OneAtATime)
{
	Objects objects(random_sizes(10, 9'000));
	Loader loader(all_of(objects), 12'000, 4, 1);

	for (uint64_t i = 0; i < 10; i++) {
		ASSERT_EQ(1, loader.next());
		EXPECT_TRUE(objects.bytes(i) == loader.bytes());
		EXPECT_EQ(0, loader.release(i));
	}
}

TEST(HttpLoader, AnObjectThatGrowsOrShrinksWhileItIsFetched)
{
	const std::string before = http_bytes(9000), small = http_bytes(7000, 1), large = http_bytes(20'000, 2);

	for (auto &later : {small, large}) {
		std::atomic<bool> changed{false};
		HttpServer server([&](HttpConnection &to, const HttpRequest &request) {
			bool it = request.target == "/0";
			changed = changed || (it && request.first() > 0);
			to.send(it && changed ? http_right(request, later, "\"2\"") : http_right(request, before));
			return true;
		});
		Loader loader({server.url("/0"), server.url("/1")}, 10 * page, 1);

		EXPECT_EQ(later == small ? 1 : -ESTALE, loader.next()) << loader.error.text;
		if (later == small) {
			EXPECT_TRUE(later == loader.bytes());
		}
		ASSERT_EQ(1, loader.next()) << loader.error.text;
		EXPECT_TRUE(before == loader.bytes());
	}
}

TEST(HttpLoader, ClosedAtAnyTime)
{
	Objects objects(random_sizes(12, 40'000));

	for (int steps = 0; steps < 40; steps++) {
		LazyEngine engine;
		engine.delay = static_cast<unsigned int>(steps % 5);
		Loader loader(all_of(objects), 60'000, 3, 6, &engine);
		for (int i = 0; i < steps; i++) {
			pollfd fd = {devmem_http_fd(loader.client.http), POLLIN, 0};
			if (devmem_loader_next(loader.loader, &loader.object, &loader.error) == 1 && steps % 2)
				loader.release(loader.object.number);
			poll(&fd, 1, 1);
		}
	}
}

// Object 0 has failed, copies of object 1 are under way, and object 2 waits for room when all are given up.
TEST(HttpLoader, ClosedBehindAnObjectThatHasFailed)
{
	Objects objects({0, 2 * page, 2 * page});
	LazyEngine engine;
	engine.delay = 1000;
	std::vector<std::string> urls = all_of(objects);
	urls[0] = objects.server.url("/99");
	Loader loader(urls, 2 * page, 3, 0, &engine);

	ASSERT_EQ(0, devmem_loader_next(loader.loader, &loader.object, &loader.error));
	for (int i = 0; i < patience_ms / 10 && (loader.client.stats().responses < 3 || !loader.client.stats().placed); i++) {
		pollfd fd = {devmem_http_fd(loader.client.http), POLLIN, 0};
		poll(&fd, 1, 10);
		devmem_http_progress(loader.client.http);
	}
	EXPECT_GT(loader.client.stats().placed, 0u);
}

TEST(HttpLoader, ASlowEngine)
{
	Objects objects(random_sizes(30, 20'000));
	LazyEngine engine;
	engine.delay = 2;
	engine.full = 1;
	Loader loader(all_of(objects), 40'000, 3, 6, &engine);

	for (uint64_t i = 0; i < 30; i++) {
		ASSERT_EQ(1, loader.next()) << loader.error.text;
		EXPECT_TRUE(objects.bytes(i) == loader.bytes()) << i;
		EXPECT_EQ(0, loader.release(i));
	}
}

} // namespace
