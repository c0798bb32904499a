// SPDX-License-Identifier: BSD-3-Clause
// What devmemcat --serve understands and says: request heads in any pieces, paths, ranges, response heads.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <random>
#include <string>

#include "../fuzz/fuzz_parse.h"
#include "head.h"
#include "range.h"
#include "request.h"
#include "target.h"

namespace {

const std::string crlf = "\r\n", end = "\r\n\r\n", host = "\r\nHost: h";

std::string text(const request_span &span)
{
	return span.at ? std::string(span.at, span.len) : "(none)";
}

request_span span(const std::string &from)
{
	return {from.data(), from.size()};
}

struct Reader {
	std::unique_ptr<request> head = std::make_unique<request>();
	Reader() { request_begin(head.get()); }
	// The first status that is not 0, of bytes that come in pieces of @step, with a look in between when nothing came.
	int feed(const std::string &bytes, size_t step)
	{
		int status = 0;

		for (size_t at = 0; at < bytes.size() && !status; at += step) {
			size_t n = std::min(step, bytes.size() - at), room;
			char *to = request_room(head.get(), &room);

			n = std::min(n, room);
			memcpy(to, bytes.data() + at, n);
			status = request_parse(head.get(), n);
			if (!status) {
				EXPECT_EQ(0, request_parse(head.get(), 0));
			}
		}
		return status;
	}
};

TEST(Request, IsTheSameInWhateverPiecesItComes)
{
	const std::string bytes = "GET /a/b?q HTTP/1.1" + crlf + "hOsT: x:1" + crlf + "Other: Range" + crlf + "Range:  bytes=1-2 " + crlf +
				  "If-Range: \"e\"" + end;

	for (size_t step = 1; step <= bytes.size(); step++) {
		Reader reader;

		ASSERT_EQ(200, reader.feed(bytes, step)) << step;
		EXPECT_EQ(REQUEST_GET, reader.head->method);
		EXPECT_FALSE(reader.head->close);
		EXPECT_EQ("/a/b?q", text(reader.head->target));
		EXPECT_EQ("bytes=1-2", text(reader.head->range));
		EXPECT_EQ("\"e\"", text(reader.head->if_range));
	}
}

TEST(Request, IsRefusedWithTheStatusThatSaysWhy)
{
	const struct {
		std::string bytes;
		int status;
	} table[] = {
		{"GET / HTTP/1.1" + host + end, 200},
		{"GET / HTTP/1.1" + crlf + "Host:" + end, 200},
		{"GET / HTTP/1.0" + end, 200},
		{"POST / HTTP/1.1" + host + crlf + "Content-Length: 3" + end, 200},
		{"GET / HTTP/1.1" + end, 400},
		{"GET / HTTP/1.1" + host + host + end, 400},
		{"GET / HTTP/1.1" + host + crlf + "Range: bytes=1-2" + crlf + "Range: bytes=3-4" + end, 400},
		{"GET / HTTP/1.1" + host + crlf + "Range: bytes=1-2," + crlf + " 3-4" + end, 400},
		{"GET / HTTP/1.1" + host + crlf + "No colon" + end, 400},
		{"GET / HTTP/1.1" + host + crlf + "A\x01: c" + end, 400},
		{"get / HTTP/1.1" + host + end, 400},
		{"GET /a b HTTP/1.1" + host + end, 400},
		{"GET  HTTP/1.1" + host + end, 400},
		{"GET / HTTP/2.0" + host + end, 505},
		{std::string("\x16\x03\x01\x02", 4), 400}, // TLS
		{"GET / HTTP/1.1" + host + crlf + "X: " + std::string(REQUEST_HEAD_BYTES, 'x'), 431},
		{"GET /" + std::string(REQUEST_HEAD_BYTES, 'x'), 431},
		{"GET / HTTP/1.1" + crlf, 0},
	};

	for (const auto &row : table)
		for (size_t step : {1, 7, 4096}) {
			Reader reader;

			EXPECT_EQ(row.status, reader.feed(row.bytes, step)) << row.bytes.substr(0, 60) << " by " << step;
		}
}

TEST(Request, TellsWhetherAnotherOneMayFollow)
{
	const struct {
		std::string bytes;
		bool close;
	} table[] = {
		{"GET / HTTP/1.1" + host, false},
		{"GET / HTTP/1.1" + host + "\r\nConnection: close", true},
		{"GET / HTTP/1.1" + host + "\r\nConnection: x, Close", true},
		{"GET / HTTP/1.0", true},
		{"GET / HTTP/1.0\r\nConnection: keep-alive", false},
		{"GET / HTTP/1.1" + host + "\r\nContent-Length: 0", false},
		{"GET / HTTP/1.1" + host + "\r\nContent-Length: 1", true},
		{"PUT / HTTP/1.1" + host + "\r\nTransfer-Encoding: chunked", true},
		{"GET / HTTP/1.1" + host + "\r\nConnection: Upgrade\r\nUpgrade: h2c", false},
	};

	for (const auto &row : table) {
		Reader reader;

		EXPECT_EQ(200, reader.feed(row.bytes + end, 1000)) << row.bytes;
		EXPECT_EQ(row.close, reader.head->close) << row.bytes;
	}
}

TEST(Request, LeavesWhatFollowsToTheNextOne)
{
	Reader reader;

	ASSERT_EQ(200, reader.feed("GET /1 HTTP/1.1" + host + end + "HEAD /2 HTTP/1.1" + host + end + "GET /3", 1000));
	EXPECT_EQ("/1", text(reader.head->target));
	request_next(reader.head.get());
	ASSERT_EQ(200, request_parse(reader.head.get(), 0));
	EXPECT_EQ(REQUEST_HEAD, reader.head->method);
	EXPECT_EQ("/2", text(reader.head->target));
	request_next(reader.head.get());
	EXPECT_FALSE(request_empty(reader.head.get()));
	ASSERT_EQ(0, request_parse(reader.head.get(), 0));
	ASSERT_EQ(200, reader.feed("3 HTTP/1.1" + host + end, 1));
	EXPECT_EQ("/33", text(reader.head->target));
	request_next(reader.head.get());
	EXPECT_TRUE(request_empty(reader.head.get()));
}

TEST(Target, BecomesARelativePath)
{
	const struct {
		std::string target, path;
	} table[] = {
		{"/", "."},
		{"/?x=/y", "."},
		{"///", "."},
		{"//a/b", "a/b"},
		{"/a//b/", "a//b/"},
		{"/a%20b%2fc%25?q", "a b/c%"},
		{"/%2Fetc", "etc"}, // not the machine's
		{"/../a", "../a"},  // the kernel refuses it
		{"http://h:8/a", "a"},
		{"http://h/", "."},
	};
	char path[TARGET_PATH];

	for (const auto &row : table) {
		request_span target = span(row.target);

		ASSERT_EQ(0, target_path(&target, path)) << row.target;
		EXPECT_EQ(row.path, path) << row.target;
	}
	for (const std::string bad : {"*", "a", "/%", "/%1", "/%zz", "/%00", "/a%00b", "http://h"}) {
		request_span target = span(bad);

		EXPECT_EQ(400, target_path(&target, path)) << bad;
	}
	const std::string most = "/" + std::string(TARGET_PATH - 1, 'x'), more = most + "x";
	request_span fits = span(most), does_not = span(more);
	EXPECT_EQ(0, target_path(&fits, path));
	EXPECT_EQ(404, target_path(&does_not, path));
}

TEST(Target, IsEncodedSoThatItComesBack)
{
	std::string name, target = "/";
	char encoded[TARGET_ENCODED(256)], path[TARGET_PATH];

	for (int byte = 255; byte; byte--)
		name += static_cast<char>(byte);
	size_t len = target_encode(name.c_str(), encoded);
	EXPECT_EQ(len, strlen(encoded));
	EXPECT_EQ(std::string::npos, std::string(encoded).find_first_of(" \n#?:"));
	target += encoded;
	request_span raw = span(target);
	ASSERT_EQ(0, target_path(&raw, path));
	EXPECT_EQ(name, path);
}

TEST(Range, IsReadOrPassedOver)
{
	const struct {
		std::string text;
		uint64_t size;
		int status;
		uint64_t first, last;
	} table[] = {
		{"bytes=0-0", 10, 206, 0, 0},
		{"bytes=0-9", 10, 206, 0, 9},
		{"bytes=3-100", 10, 206, 3, 9},
		{"BYTES=9-", 10, 206, 9, 9},
		{"bytes=-3", 10, 206, 7, 9},
		{"bytes=-100", 10, 206, 0, 9},
		{"bytes=0-99999999999999999999999", 10, 206, 0, 9},
		{"bytes=-99999999999999999999999", 10, 206, 0, 9},
		{"bytes=10-", 10, 416, 0, 0},
		{"bytes=99999999999999999999999-", 10, 416, 0, 0},
		{"bytes=-0", 10, 416, 0, 0},
		{"bytes=0-", 0, 416, 0, 0},
		{"bytes=-1", 0, 416, 0, 0},
		{"bytes=2-1", 10, 200, 0, 0},
		{"bytes=-", 10, 200, 0, 0},
		{"bytes=", 10, 200, 0, 0},
		{"bytes=0-1,3-4", 10, 200, 0, 0},
		{"bytes= 0-1", 10, 200, 0, 0},
		{"bytes=0-1 ", 10, 200, 0, 0},
		{"bytes=+1-2", 10, 200, 0, 0},
		{"lines=0-1", 10, 200, 0, 0},
		{"", 10, 200, 0, 0},
	};

	for (const auto &row : table) {
		request_span wanted = span(row.text);
		uint64_t first = 0, last = 0;

		ASSERT_EQ(row.status, range_parse(&wanted, row.size, &first, &last)) << row.text;
		if (row.status != 206)
			continue;
		EXPECT_EQ(row.first, first) << row.text;
		EXPECT_EQ(row.last, last) << row.text;
	}
}

std::string made(const head &head, const char *body = nullptr)
{
	size_t len = 0;
	char *bytes = head_make(&head, body, &len);
	std::string text(bytes, len);

	free(bytes);
	return text;
}

bool has(const std::string &text, const std::string &line)
{
	return text.find("\r\n" + line + "\r\n") != std::string::npos;
}

TEST(Head, SaysWhatComes)
{
	char etag[HEAD_ETAG], date[HEAD_DATE];
	timespec when = {784111777, 5};
	head part = {};

	head_etag(255, &when, etag);
	head_date(when.tv_sec, date);
	EXPECT_STREQ("\"ff-2ebc98a1-5\"", etag);
	EXPECT_STREQ("Sun, 06 Nov 1994 08:49:37 GMT", date);
	part.status = 206;
	part.length = 3;
	part.type = "a/b";
	part.etag = etag;
	part.modified = date;
	part.first = 4;
	part.last = 6;
	part.size = 255;
	std::string text = made(part);
	EXPECT_EQ(0u, text.find("HTTP/1.1 206 Partial Content\r\n"));
	for (const char *line : {"Content-Length: 3", "Content-Type: a/b", "ETag: \"ff-2ebc98a1-5\"", "Content-Range: bytes 4-6/255",
				 "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT", "Connection: keep-alive"})
		EXPECT_TRUE(has(text, line)) << line << " in " << text;
	EXPECT_EQ(text.size() - 4, text.find(end));
}

TEST(Head, OfARefusalSaysWhatWouldDo)
{
	const std::string path = "/a";
	head refusal = {};

	refusal.type = "t/p";
	refusal.status = 416;
	refusal.size = 7;
	refusal.close = true;
	EXPECT_TRUE(has(made(refusal), "Content-Range: bytes */7"));
	EXPECT_TRUE(has(made(refusal), "Connection: close"));
	refusal.status = 405;
	EXPECT_TRUE(has(made(refusal), "Allow: GET, HEAD"));
	refusal.status = 301;
	refusal.location = span(path);
	EXPECT_TRUE(has(made(refusal), "Location: /a/"));
	EXPECT_EQ("body", made(refusal, "body").substr(made(refusal).size()));
	for (int status : {200, 206, 301, 400, 403, 404, 405, 416, 431, 500, 503, 505})
		EXPECT_STRNE("Unknown", head_reason(status)) << status;
}

// Heads with random bytes in them, so that the parser gets beyond its first check.
TEST(Fuzz, RandomBytesBreakNoRequestParser)
{
	const std::string good = "GET /a%20b HTTP/1.1\r\nHost: h\r\nRange: bytes=1-2\r\n\r\nGET / HTTP/1.0\r\n\r\n";
	std::mt19937 random(1);

	for (int i = 0; i < 100'000; i++) {
		std::string bytes = good.substr(0, random() % (good.size() + 1));

		for (unsigned int n = random() % 4; n && !bytes.empty(); n--)
			bytes[random() % bytes.size()] = static_cast<char>(random());
		fuzz_request(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
	}
}

} // namespace
