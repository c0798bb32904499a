// SPDX-License-Identifier: BSD-3-Clause
// Connections of libdevmem-http that are kept, end when they should not, and objects that change meanwhile.
#include <cerrno>
#include <set>

#include "http_scripts.h"

namespace {

TEST(HttpClient, BytesAfterTheBodyAreNotTheNextAnswer)
{
	HttpServer server([](HttpConnection &to, const HttpRequest &request) {
		to.send(http_whole(body) + (request.number ? "" : http_whole("forged")));
		return true;
	});
	HttpClient client(options(1));
	HttpFetch first(client, server.url("/a")), next(client, server.url("/b"));

	EXPECT_FETCHED(first, body);
	EXPECT_FETCHED(next, body);
	EXPECT_EQ(2u, server.connections());
}

TEST(HttpClient, BytesAfterAShortBodyAreNotTheNextAnswer)
{
	HttpServer server([](HttpConnection &to, const HttpRequest &request) {
		to.send(http_whole("short") + (request.number ? "" : http_whole("forged")));
		return true;
	});
	HttpClient client(options(1));
	HttpFetch first(client, server.url("/a")), next(client, server.url("/b"));

	EXPECT_FETCHED(first, std::string("short"));
	EXPECT_FETCHED(next, std::string("short"));
	EXPECT_EQ(2u, server.connections());
}

TEST(HttpClient, BytesWithoutARequestEndAnIdleConnection)
{
	HttpServer server([](HttpConnection &to, const HttpRequest &) {
		to.send(http_whole(body));
		usleep(20'000);
		to.send("HTTP/1.1 408 Request Timeout\r\n\r\n");
		to.wait_for_end();
		return false;
	});
	HttpClient client(options(1));
	HttpFetch fetch(client, server.url("/a"));

	EXPECT_FETCHED(fetch, body);
	pollfd fd = {devmem_http_fd(client.http), POLLIN, 0};
	EXPECT_EQ(1, poll(&fd, 1, patience_ms));
	EXPECT_TRUE(client.is_quiet());
}

TEST(HttpClient, AKeptConnectionThatTheServerEnds)
{
	HttpServer server([](HttpConnection &to, const HttpRequest &request) {
		to.send(http_right(request, body));
		return request.connection != 0;
	});
	HttpClient client(options(1, 0, 1));

	for (int i = 0; i < 3; i++) {
		HttpFetch fetch(client, server.url("/a"));
		EXPECT_FETCHED(fetch, body);
		EXPECT_EQ(0u, fetch.info().retries);
		if (!i)
			usleep(20'000); // nobody looks while it ends
	}
	EXPECT_EQ(2u, server.connections());
	EXPECT_EQ(3u, client.stats().requests) << "none was sent to a connection that had ended";
}

// It ends only when the request is on its way: that costs no try.
TEST(HttpClient, AKeptConnectionThatEndsAsItIsUsed)
{
	HttpServer server([](HttpConnection &to, const HttpRequest &request) {
		if (request.number == 1)
			return false;
		to.send(http_right(request, body));
		return true;
	});
	HttpClient client(options(1, 0, 1));

	for (int i = 0; i < 2; i++) {
		HttpFetch fetch(client, server.url("/a"));
		EXPECT_FETCHED(fetch, body);
		EXPECT_EQ(0u, fetch.info().retries);
	}
	EXPECT_EQ(3u, server.requests().size());
	EXPECT_EQ(2u, server.connections());
}

TEST(HttpClient, ConnectionCloseIsHeeded)
{
	HttpServer server([](HttpConnection &to, const HttpRequest &) {
		to.send(http_whole(body, "Connection: close\r\n"));
		to.wait_for_end();
		return false;
	});
	HttpClient client(options(1));

	for (int i = 0; i < 2; i++) {
		HttpFetch fetch(client, server.url("/a"));
		EXPECT_FETCHED(fetch, body);
	}
	EXPECT_EQ(2u, server.connections());
}

TEST(HttpClient, AnObjectThatChangesBetweenParts)
{
	HttpServer server([](HttpConnection &to, const HttpRequest &request) {
		to.send(request.number < 3 ? http_right(request, body) : http_right(request, second, "\"2\""));
		return true;
	});
	HttpClient client(options(1, 1000));
	HttpFetch fetch(client, server.url("/a"));

	EXPECT_FETCHED(fetch, second);
	EXPECT_EQ(2u, fetch.sizes.size());
}

// Nobody heeds If-Range here.
TEST(HttpClient, AnObjectWhoseETagAloneTells)
{
	HttpServer server([](HttpConnection &to, const HttpRequest &request) {
		HttpRequest blind = request;
		blind.fields.erase("if-range");
		to.send(request.number < 3 ? http_right(blind, body) : http_right(blind, second, "\"2\""));
		return true;
	});
	HttpClient client(options(4, 1000));
	HttpFetch fetch(client, server.url("/a"));

	EXPECT_FETCHED(fetch, second);
}

TEST(HttpClient, AnObjectThatShrinksAndOneThatGrows)
{
	for (size_t size : {size_t(10), size_t(1500), size_t(50'000)}) {
		const std::string later = http_bytes(size, 2);
		HttpServer server([&](HttpConnection &to, const HttpRequest &request) {
			HttpRequest blind = request;
			blind.fields.erase("if-range");
			to.send(request.number < 3 ? http_right(blind, body) : http_right(blind, later, "\"2\""));
			return true;
		});
		HttpClient client(options(2, 1000));
		HttpFetch fetch(client, server.url("/a"));
		EXPECT_FETCHED(fetch, later);
		EXPECT_EQ(size, fetch.sizes.back());
	}
}

// Its length was told, and room taken for it, but not a byte had come when it became a longer one.
TEST(HttpClient, AnObjectThatGrowsBeforeItsFirstByte)
{
	for (size_t size : {size_t(1), size_t(100'000)}) {
		const std::string later = http_bytes(size, 2);
		HttpServer server([&](HttpConnection &to, const HttpRequest &request) {
			to.send(request.number ? http_whole(later) : http_head("200 OK", 5000));
			return request.number > 0;
		});
		HttpClient client(options(1));
		HttpFetch fetch(client, server.url("/a"));
		EXPECT_FETCHED(fetch, later);
		EXPECT_EQ((std::vector<uint64_t>{5000, size}), fetch.sizes);
	}
}

TEST(HttpClient, AnObjectThatAlwaysChanges)
{
	HttpServer server([](HttpConnection &to, const HttpRequest &request) {
		to.send(http_right(request, body, "\"" + std::to_string(request.number) + "\""));
		return true;
	});
	HttpClient client(options(1, 1000, 3));
	HttpFetch fetch(client, server.url("/a"));

	EXPECT_REFUSED(fetch, -ESTALE, "changes");
	EXPECT_LT(server.requests().size(), 20u);
}

// What If-Range was asked with need not be repeated.
TEST(HttpClient, APartWithoutAValidator)
{
	HttpServer server([](HttpConnection &to, const HttpRequest &request) {
		const std::string date = "Thu, 01 Jan 1970 00:00:00 GMT", etag = "ETag: x\r\n";
		HttpRequest blind = request;
		if (request.first() && request.field("if-range") != date)
			return false;
		blind.fields.erase("if-range");
		std::string answer = http_right(blind, body, "x");
		to.send(answer.replace(answer.find(etag), etag.size(), request.first() ? "" : "Last-Modified: " + date + "\r\n"));
		return true;
	});
	HttpClient client(options(1, 1000, 1));
	HttpFetch fetch(client, server.url("/a"));

	EXPECT_FETCHED(fetch, body);
	EXPECT_EQ(1u, fetch.sizes.size());
}

TEST(HttpClient, AServerWithoutRangesThatBreaks)
{
	HttpServer server([](HttpConnection &to, const HttpRequest &request) {
		to.send(http_whole(body).substr(0, request.number < 2 ? 3000 : std::string::npos));
		return request.number >= 2;
	});
	HttpClient client(options(1));
	HttpFetch fetch(client, server.url("/a"));

	EXPECT_FETCHED(fetch, body);
	EXPECT_LE(server.requests().size(), 6u);
}

} // namespace
