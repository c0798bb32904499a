// SPDX-License-Identifier: BSD-3-Clause
// Fetches of libdevmem-http over loopback, from servers that are right, broken, slow and busy.
#include <cerrno>
#include <set>

#include "http_client.h"

namespace {

const std::string body = http_bytes(10'007), second = http_bytes(10'007, 1);

// One body, by a server that knows ranges.
HttpScript right(const std::string &bytes = body)
{
	return [bytes](HttpConnection &to, const HttpRequest &request) {
		to.send(http_right(request, bytes));
		return true;
	};
}

// Each answer in turn, the last for all after it; then the connection ends.
HttpScript canned(std::vector<std::string> answers, bool keep = true)
{
	return [answers, keep](HttpConnection &to, const HttpRequest &request) {
		to.send(answers[std::min<size_t>(request.number, answers.size() - 1)]);
		return keep;
	};
}

devmem_http_options options(unsigned int connections, uint64_t part_bytes = 0, unsigned int tries = 0)
{
	devmem_http_options options = {};
	options.connections = connections;
	options.part_bytes = part_bytes;
	options.tries = tries;
	return options;
}

TEST(HttpClient, AWholeObject)
{
	HttpServer server(canned({http_whole(body)}));
	HttpClient client;
	HttpFetch fetch(client, server.url("/a"));

	EXPECT_FETCHED(fetch, body);
	EXPECT_EQ(200u, fetch.info().http_status);
	EXPECT_EQ(std::vector<uint64_t>{body.size()}, fetch.sizes);
	EXPECT_EQ(server.url("/a"), devmem_fetch_url(fetch.fetch));
	EXPECT_EQ("bytes=0-16777215", server.requests()[0].field("range"));
	auto stats = client.stats();
	EXPECT_EQ(body.size(), stats.placed);
	EXPECT_EQ(1u, stats.requests);
	EXPECT_EQ(1u, stats.responses);
	EXPECT_EQ(1u, stats.connects);
	EXPECT_EQ(body.size() + stats.head_bytes, stats.rx_plain);
	EXPECT_TRUE(client.is_quiet());
}

TEST(HttpClient, PartsOverSeveralConnections)
{
	HttpServer server(right());
	HttpClient client(options(4, 1000));
	HttpFetch fetch(client, server.url("/a"));
	std::set<uint64_t> firsts;

	EXPECT_FETCHED(fetch, body);
	EXPECT_EQ(206u, fetch.info().http_status);
	for (auto &request : server.requests()) {
		firsts.insert(request.first());
		EXPECT_EQ(std::min<uint64_t>(request.first() + 999, body.size() - 1), std::min<uint64_t>(request.last(), body.size() - 1));
		EXPECT_EQ(request.first() ? "\"1\"" : "", request.field("if-range"));
	}
	EXPECT_EQ(11u, firsts.size());
	EXPECT_EQ(11u, server.requests().size());
	EXPECT_EQ(4u, server.connections());
	EXPECT_EQ(1u, fetch.sizes.size());
}

TEST(HttpClient, PartsOfEverySize)
{
	const std::string small = http_bytes(50);
	HttpServer server(right(small));

	for (uint64_t part = 1; part <= 51; part += part < 5 ? 1 : 9) {
		HttpClient client(options(3, part));
		HttpFetch fetch(client, server.url("/a"));
		EXPECT_FETCHED(fetch, small);
	}
}

TEST(HttpClient, NoLimitOfParts)
{
	HttpServer server(right());
	HttpClient client(options(1, UINT64_MAX));
	HttpFetch fetch(client, server.url("/a"));

	EXPECT_FETCHED(fetch, body);
	EXPECT_LE(server.requests()[0].last(), static_cast<uint64_t>(INT64_MAX)) << "servers count in 63 bits";
}

// Each of them at once, as they take most of their time to wait before they come again.
TEST(HttpClient, ComesOnAfterAResetAtEveryByte)
{
	const std::string small = http_bytes(31);
	HttpServer server([&](HttpConnection &to, const HttpRequest &request) {
		std::string answer = http_right(request, small);
		size_t sent = answer.find("\r\n\r\n") + 4 + std::stoul(request.target.substr(1));
		to.send(answer.substr(0, sent));
		if (sent >= answer.size())
			return true;
		to.reset();
		return false;
	});
	HttpClient client(options(31, 0, 2));
	std::vector<std::unique_ptr<HttpFetch>> fetches;
	size_t requests = 0;

	for (size_t step = 1; step <= small.size(); step++) {
		fetches.push_back(std::make_unique<HttpFetch>(client, server.url("/" + std::to_string(step))));
		requests += (small.size() + step - 1) / step;
	}
	for (auto &fetch : fetches) {
		EXPECT_FETCHED(*fetch, small);
		EXPECT_EQ(1u, fetch->sizes.size());
	}
	EXPECT_EQ(requests, server.requests().size()) << "each goes on where the one before ended";
}

TEST(HttpClient, ComesOnAfterAnEndAtEveryByteOfTheHead)
{
	const std::string whole = http_right({"/", {{"range", "bytes=0-"}}, 0, 0}, body);

	for (size_t at = 0; at < whole.find("\r\n\r\n") + 4; at += 7) {
		HttpServer server([&](HttpConnection &to, const HttpRequest &request) {
			to.send(request.number ? http_right(request, body) : whole.substr(0, at));
			return request.number > 0;
		});
		HttpClient client(options(1));
		HttpFetch fetch(client, server.url("/a"));
		EXPECT_FETCHED(fetch, body);
		EXPECT_EQ(1u, fetch.info().retries);
	}
}

TEST(HttpClient, TheHeadInPieces)
{
	HttpServer server([](HttpConnection &to, const HttpRequest &request) {
		std::string answer = http_right(request, body);
		size_t head = answer.find("\r\n\r\n") + 4;
		for (size_t at = 0; at < head - 1; at += 11) {
			to.send(answer.substr(at, std::min<size_t>(11, head - 1 - at)));
			usleep(100);
		}
		to.send(answer.substr(head - 1));
		return true;
	});
	HttpClient client(options(2, 4000));
	HttpFetch fetch(client, server.url("/a"));

	EXPECT_FETCHED(fetch, body);
}

TEST(HttpClient, AnEmptyObject)
{
	HttpServer server(right(""));
	HttpClient client;
	HttpFetch fetch(client, server.url("/a"));

	EXPECT_FETCHED(fetch, std::string());
	EXPECT_EQ(std::vector<uint64_t>{0}, fetch.sizes);
	auto requests = server.requests();
	ASSERT_EQ(2u, requests.size());
	EXPECT_FALSE(requests[1].ranged());
	EXPECT_EQ(1u, server.connections());
}

TEST(HttpClient, ARangeThatIsRefusedForEver)
{
	HttpServer server(canned({http_head("416 Range Not Satisfiable", 0)}));
	HttpClient client;
	HttpFetch fetch(client, server.url("/a"));

	EXPECT_REFUSED(fetch, -EPROTO, "416");
	EXPECT_EQ(2u, server.requests().size());
}

std::string redirect(const std::string &to, const std::string &text = "") { return http_head("302 Found", text.size(), "Location: " + to + "\r\n") + text; }

TEST(HttpClient, Redirects)
{
	HttpServer there(right());
	HttpServer server([&](HttpConnection &to, const HttpRequest &request) {
		unsigned int left = static_cast<unsigned int>(std::stoul(request.target.substr(strlen("/x/"))));
		to.send(redirect(left ? std::to_string(left - 1) : there.url("/end"), "gone"));
		return true;
	});
	HttpClient client(options(2, 1000));
	HttpFetch fetch(client, server.url("/x/5"));

	EXPECT_FETCHED(fetch, body);
	EXPECT_EQ(6u, fetch.info().redirects);
	EXPECT_EQ(there.url("/end"), devmem_fetch_url(fetch.fetch));
	EXPECT_EQ(1u, server.connections());
	EXPECT_EQ(6 * strlen("gone"), client.stats().discarded);
}

TEST(HttpClient, RedirectsThatDoNotEnd)
{
	HttpServer server(canned({redirect("/a")}));
	HttpClient client;
	HttpFetch fetch(client, server.url("/a")), none(client, server.url("/b"));

	EXPECT_REFUSED(fetch, -ELOOP, "redirects");
	EXPECT_EQ(11u, fetch.info().redirects);
	EXPECT_REFUSED(none, -ELOOP, "10 redirects");
}

TEST(HttpClient, RedirectsToWhereNobodyCanFollow)
{
	HttpServer server([](HttpConnection &to, const HttpRequest &request) {
		to.send(request.target == "/tls" ? redirect("https://localhost/") : http_head("301 Moved", 0));
		return true;
	});
	HttpClient client;
	HttpFetch tls(client, server.url("/tls")), nowhere(client, server.url("/nowhere"));

	EXPECT_REFUSED(tls, -EPROTONOSUPPORT, "https");
	EXPECT_REFUSED(nowhere, -EPROTO, "where to");
}

TEST(HttpClient, ABusyServer)
{
	HttpServer server([](HttpConnection &to, const HttpRequest &request) {
		to.send(request.number < 2 ? http_head("503 Busy", 0) : http_right(request, body));
		return true;
	});
	HttpClient client(options(1));
	HttpFetch fetch(client, server.url("/a"));

	EXPECT_FETCHED(fetch, body);
	EXPECT_EQ(2u, fetch.info().retries);
	EXPECT_EQ(1u, server.connections()) << "the connection was good";
}

TEST(HttpClient, AServerThatStaysBusy)
{
	HttpServer server(canned({http_head("503 Busy", 0)}));
	HttpClient client(options(1, 0, 3));
	HttpFetch fetch(client, server.url("/a"));

	EXPECT_REFUSED(fetch, -EBUSY, "503 Busy");
	EXPECT_EQ(3u, server.requests().size());
}

TEST(HttpClient, WaitsAsLongAsABusyServerWishes)
{
	HttpServer server([](HttpConnection &to, const HttpRequest &request) {
		to.send(request.number ? http_right(request, body) : http_head("429 Slow", 0, "Retry-After: 1\r\n"));
		return true;
	});
	HttpClient client;
	int64_t begin = clock_ms();
	HttpFetch fetch(client, server.url("/a"));

	EXPECT_FETCHED(fetch, body);
	EXPECT_GE(clock_ms() - begin, 1000);
	EXPECT_LT(clock_ms() - begin, 5000);
}

// A server that sends a little each time brings something new, however often it is busy between.
TEST(HttpClient, TriesAreOfARequestThatBringsNothing)
{
	HttpServer server([](HttpConnection &to, const HttpRequest &request) {
		if (request.number % 2) {
			to.send(http_head("503 Busy", 0));
			return true;
		}
		HttpRequest less = request;
		less.fields["range"] = "bytes=" + std::to_string(request.first()) + "-" + std::to_string(std::min<uint64_t>(request.first() + 2999, body.size() - 1));
		to.send(http_right(less, body));
		return true;
	});
	HttpClient client(options(1, 0, 2));
	HttpFetch fetch(client, server.url("/a"));

	EXPECT_FETCHED(fetch, body);
	EXPECT_EQ(7u, server.requests().size());
}

TEST(HttpClient, WhatIsRefused)
{
	HttpServer server([](HttpConnection &to, const HttpRequest &request) {
		to.send(http_head(request.target.substr(1) + " No", 3) + "no\n");
		return true;
	});
	HttpClient client(options(1));
	const std::pair<const char *, int> statuses[] = {{"/404", -ENOENT}, {"/410", -ENOENT}, {"/401", -EACCES}, {"/403", -EACCES}, {"/400", -EREMOTEIO}, {"/204", -EREMOTEIO}};

	for (auto &[target, code] : statuses) {
		HttpFetch fetch(client, server.url(target));
		EXPECT_REFUSED(fetch, code, target + 1);
		EXPECT_TRUE(fetch.sizes.empty());
	}
	EXPECT_EQ(6u, server.requests().size()) << "nobody asks again";
}

TEST(HttpClient, WhatCannotBePlaced)
{
	const std::vector<std::string> answers = {
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
		http_whole("x", "Content-Encoding: gzip\r\n"),
		"HTTP/1.1 200 OK\r\n\r\nx",
		"SSH-2.0-OpenSSH_9.2\r\n",
		http_head("206 Partial Content", 1, "Content-Range: bytes 1-1/3\r\n") + "x",
		http_head("206 Partial Content", 1) + "x",
	};
	HttpServer server([&](HttpConnection &to, const HttpRequest &request) {
		to.send(answers[static_cast<size_t>(request.target[1] - '0')]);
		return false;
	});
	HttpClient client(options(1));
	const std::pair<const char *, int> wanted[] = {{"chunk", -EOPNOTSUPP}, {"compress", -EOPNOTSUPP}, {"length", -EOPNOTSUPP}, {"HTTP", -EPROTO}, {"range", -EPROTO}, {"range", -EPROTO}};

	for (size_t i = 0; i < answers.size(); i++) {
		HttpFetch fetch(client, server.url("/" + std::to_string(i)));
		EXPECT_REFUSED(fetch, wanted[i].second, wanted[i].first);
	}
}

TEST(HttpClient, TruncatedForEver)
{
	HttpServer server(canned({http_whole(body).substr(0, 5000)}, false));
	HttpClient client(options(1, 0, 3));
	HttpFetch fetch(client, server.url("/a"));

	// Each time something came, but from the first byte on again.
	EXPECT_REFUSED(fetch, -ESTALE, "begins anew");
	EXPECT_LT(server.requests().size(), 20u);
}

TEST(HttpClient, ASilentServer)
{
	for (size_t sent : {size_t(0), size_t(20), http_whole(body).size() - 1}) {
		HttpServer server([sent](HttpConnection &to, const HttpRequest &) {
			to.send(http_whole(body).substr(0, sent));
			to.wait_for_end();
			return false;
		});
		devmem_http_options quick = options(1, 0, 1);
		quick.timeout_ms = 50;
		HttpClient client(quick);
		HttpFetch fetch(client, server.url("/a"));
		int64_t begin = clock_ms();

		EXPECT_REFUSED(fetch, -ETIMEDOUT, "50 ms");
		EXPECT_GE(clock_ms() - begin, 50);
		EXPECT_LT(clock_ms() - begin, 5000);
	}
}

TEST(HttpClient, NobodyListens)
{
	ClosedPort port;
	HttpClient client(options(2, 0, 3));
	HttpFetch fetch(client, port.url("/a"));

	EXPECT_REFUSED(fetch, -ECONNREFUSED, "refused");
	EXPECT_EQ(2u, fetch.info().retries);
	EXPECT_EQ(0u, client.stats().requests);
}

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
	engine.delay = UINT32_MAX;
	engine.break_at = 0;
	HttpClient client(options(2, 1504), &engine);
	HttpFetch fetch(client, server.url("/a"));
	EXPECT_TRUE(client.run([&] { return client.stats().requests == 2 && fetch.info().received == 1504; }));
	HttpFetch silent(client, server.url("/b")), next(client, server.url("/c"));
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
