// SPDX-License-Identifier: BSD-3-Clause
// Fetches of libdevmem-http over loopback, from servers that are right, broken, slow and busy.
#include <cerrno>
#include <set>

#include "http_scripts.h"

namespace {

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

TEST(HttpClient, NobodyAnswers)
{
	SilentPort port;
	devmem_http_options quick = options(1, 0, 2);
	quick.timeout_ms = 50;
	HttpClient client(quick);
	HttpFetch fetch(client, port.url("/a"));

	EXPECT_REFUSED(fetch, -ETIMEDOUT, "50 ms");
	EXPECT_EQ(1u, fetch.info().retries);
	EXPECT_EQ(0u, client.stats().requests);
}

} // namespace
