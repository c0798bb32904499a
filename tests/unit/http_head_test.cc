// SPDX-License-Identifier: BSD-3-Clause
// Heads of responses: what they say, in pieces of every size, and what is refused.
#include <cerrno>
#include <climits>
#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <random>

#include "../fuzz/fuzz_parse.h"
#include "head.h"

namespace
{

struct Response {
	std::unique_ptr<head_parser> parser = std::make_unique<head_parser>();
	bool done = false;
	devmem_error err = {};
	Response()
	{
		head_begin(parser.get());
	}
	ssize_t feed(const std::string &bytes)
	{
		return head_feed(parser.get(), bytes.data(), bytes.size(), &done, &err);
	}
	const head &say() const
	{
		return parser->head;
	}
};

const std::string ok = "HTTP/1.1 200 OK\r\n";

// The head of a response with these header fields.
head parse(const std::string &fields, const std::string &start = ok)
{
	Response response;
	std::string bytes = start + fields + "\r\n";

	EXPECT_EQ(ssize_t(bytes.size()), response.feed(bytes + "body"))
		<< bytes << response.err.text;
	EXPECT_TRUE(response.done) << bytes;
	return response.say();
}

// Why a response with these header fields is refused.
std::string refusal(const std::string &fields, const std::string &start = ok, int code = -EPROTO)
{
	Response response;
	ssize_t ret = response.feed(start + fields + "\r\n");

	EXPECT_EQ(code, ret) << start << fields;
	EXPECT_EQ(ret, response.err.code);
	EXPECT_FALSE(response.done);
	return ret < 0 ? response.err.text : "";
}

bool has(const std::string &text, const char *part)
{
	return text.find(part) != std::string::npos;
}

TEST(Head, SaysWhatAWholeObjectIs)
{
	head head = parse("Server: x\r\nContent-Length: 1234\r\nETag: \"abc\"\r\nLast-Modified: "
			  "Mon, 01 Jan 2024 00:00:00 GMT\r\n");

	EXPECT_EQ(200u, head.status);
	EXPECT_STREQ("OK", head.reason);
	EXPECT_TRUE(head.has_length);
	EXPECT_EQ(1234u, head.length);
	EXPECT_STREQ("\"abc\"", head.validator);
	EXPECT_TRUE(head.keep_alive);
	EXPECT_FALSE(head.has_range || head.has_total || head.chunked || head.encoded);
	EXPECT_EQ(0u, head.retry_after_s);
	EXPECT_STREQ("", head.location);
}

TEST(Head, EverySplitGivesTheSame)
{
	const std::string bytes =
		"HTTP/1.1 100 Continue\r\nContent-Length: 7\r\nETag: \"no\"\r\n\r\n"
		"HTTP/1.1 206 Partial  Content\r\nContent-Length: 10\r\nContent-Range: bytes "
		"5-14/100\r\n"
		"ETag: \"a\r\n b\" \t\r\nlocation:   /x y  \r\nEmpty:\r\nRetry-After: "
		"7\r\nConnection: close\r\n"
		"A-name-that-is-longer-than-any-that-matters-to-us: 1\r\n\r\n";
	const std::string body = "0123456789";

	for (size_t a = 0; a <= bytes.size(); a++) {
		Response response;
		ASSERT_EQ(ssize_t(a), response.feed(bytes.substr(0, a)));
		if (a < bytes.size()) {
			ASSERT_FALSE(response.done) << a;
			ASSERT_EQ(ssize_t(bytes.size() - a), response.feed(bytes.substr(a) + body))
				<< a;
		}
		ASSERT_TRUE(response.done) << a;
		const head &head = response.say();
		EXPECT_EQ(206u, head.status);
		EXPECT_STREQ("Partial  Content", head.reason);
		EXPECT_TRUE(head.has_length && head.has_range && head.has_total &&
			    !head.keep_alive);
		EXPECT_EQ(10u, head.length);
		EXPECT_EQ(5u, head.first);
		EXPECT_EQ(14u, head.last);
		EXPECT_EQ(100u, head.total);
		EXPECT_STREQ("\"a b\"", head.validator);
		EXPECT_STREQ("/x y", head.location);
		EXPECT_EQ(7u, head.retry_after_s);
	}
}

TEST(Head, ComesByteByByte)
{
	const std::string bytes = ok + "Content-Length: 3\r\nTransfer: x\r\n\r\n";
	Response response;

	for (size_t i = 0; i < bytes.size(); i++) {
		ASSERT_FALSE(response.done);
		ASSERT_EQ(1, response.feed(bytes.substr(i, 1)));
		ASSERT_EQ(0, response.done ? 0 : response.feed("")) << "nothing is not the end";
	}
	EXPECT_TRUE(response.done);
	EXPECT_EQ(3u, response.say().length);
}

TEST(Head, ParserServesTheNextResponse)
{
	Response response;

	EXPECT_GT(response.feed(
			  ok +
			  "Content-Length: 3\r\nETag: \"x\"\r\nContent-Range: bytes 0-2/9\r\n\r\n"),
		  0);
	head_begin(response.parser.get());
	EXPECT_GT(response.feed("HTTP/1.1 404 Gone away\r\n\r\n"), 0);
	EXPECT_TRUE(response.done);
	EXPECT_EQ(404u, response.say().status);
	EXPECT_STREQ("Gone away", response.say().reason);
	EXPECT_STREQ("", response.say().validator);
	EXPECT_FALSE(response.say().has_length || response.say().has_range ||
		     response.say().keep_alive);
}

TEST(Head, MovesBetweenPieces)
{
	Response first, second;

	ASSERT_GT(first.feed(ok + "Content-Le"), 0);
	*second.parser = *first.parser;
	first.parser.reset();
	ASSERT_GT(second.feed("ngth: 77\r\n\r\n"), 0);
	EXPECT_EQ(77u, second.say().length);
}

TEST(Head, LinesMayEndWithoutCarriageReturn)
{
	Response response;
	std::string bytes = "HTTP/1.1 200 OK\nContent-Length: 5\nETag: \"x\"\n\n";

	EXPECT_EQ(ssize_t(bytes.size()), response.feed(bytes + "body"));
	EXPECT_TRUE(response.done);
	EXPECT_EQ(5u, response.say().length);
	EXPECT_STREQ("\"x\"", response.say().validator);
}

TEST(Head, ReasonIsCutAndPrintable)
{
	EXPECT_STREQ("", parse("", "HTTP/1.1 200\r\n").reason);
	EXPECT_STREQ("", parse("", "HTTP/1.1 200 \r\n").reason);
	EXPECT_STREQ("a?[1m?b", parse("", "HTTP/1.1 200 a\x1b[1m\x80"
					  "b\r\n")
					.reason);
	EXPECT_EQ(std::string(63, 'r'),
		  parse("", "HTTP/1.1 200 " + std::string(100, 'r') + "\r\n").reason);
}

TEST(Head, InterimResponsesArePassedOver)
{
	const std::string interim = "HTTP/1.1 103 Early Hints\r\nLocation: "
				    "/no\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n";
	head head = parse("Content-Length: 1\r\n",
			  interim + interim + "HTTP/1.1 100 Continue\r\n\r\n" + ok);

	EXPECT_EQ(200u, head.status);
	EXPECT_STREQ("OK", head.reason);
	EXPECT_STREQ("", head.location);
	EXPECT_FALSE(head.encoded);
	EXPECT_TRUE(head.keep_alive);
}

TEST(Head, ContentRange)
{
	head head = parse("Content-Range: bytes 0-0/1\r\n");

	EXPECT_TRUE(head.has_range && head.has_total);
	EXPECT_EQ(0u, head.first + head.last);
	EXPECT_EQ(1u, head.total);
	head = parse("content-range: BYTES 7-9223372036854775806/9223372036854775807\r\n");
	EXPECT_EQ(7u, head.first);
	EXPECT_EQ(uint64_t(INT64_MAX) - 1, head.last);
	EXPECT_EQ(uint64_t(INT64_MAX), head.total);
	head = parse("Content-Range: bytes 10-20/*\r\n");
	EXPECT_TRUE(head.has_range && !head.has_total);
	EXPECT_EQ(20u, head.last);
	head = parse("Content-Range: bytes */1000\r\n", "HTTP/1.1 416 Range Not Satisfiable\r\n");
	EXPECT_TRUE(!head.has_range && head.has_total);
	EXPECT_EQ(1000u, head.total);
	EXPECT_EQ(0u, parse("Content-Range: bytes */0\r\n").total);
}

TEST(Head, RefusesRangesThatMakeNoSense)
{
	for (const char *bad : {"",
				"bytes",
				"bytes ",
				"bytes 0-9",
				"bytes 0-9/",
				"bytes 0-9/9",
				"bytes 9-8/20",
				"bytes 0-20/20",
				"bytes -5/20",
				"bytes 5-/20",
				"bytes */*",
				"bytes *",
				"bytes */",
				"bytes 0-9/20x",
				"bytes 0-9/20, 10-19/20",
				"bytes 0 - 9/20",
				"bytes=0-9/20",
				"items 0-9/20",
				"bytes 0x0-9/20",
				"bytes 0-9/-20",
				"bytes +0-9/20",
				"bytes  0-9/20",
				"bytes 0-9223372036854775808/*",
				"bytes 0-9/9223372036854775808",
				"bytes 0-18446744073709551616/*",
				"bytes 0-99999999999999999999999/*",
				"bytes 99999999999999999999999-0/*"})
		EXPECT_TRUE(has(refusal("Content-Range: " + std::string(bad) + "\r\n"),
				"Content-Range makes no sense"))
			<< bad;
	EXPECT_TRUE(has(refusal("Content-Range: bytes 0-9/20\r\nContent-Range: bytes 0-9/20\r\n"),
			"comes twice"));
	EXPECT_TRUE(has(refusal("Content-Range: bytes */20\r\nContent-Range: bytes 0-9/20\r\n"),
			"comes twice"));
}

TEST(Head, LengthAndRangeOfAPartMustAgree)
{
	const std::string partial = "HTTP/1.1 206 Partial Content\r\n";

	EXPECT_EQ(10u,
		  parse("Content-Length: 10\r\nContent-Range: bytes 5-14/*\r\n", partial).length);
	EXPECT_TRUE(has(refusal("Content-Length: 11\r\nContent-Range: bytes 5-14/*\r\n", partial),
			"contradict"));
	EXPECT_TRUE(has(refusal("Content-Range: bytes 5-14/*\r\nContent-Length: 9\r\n", partial),
			"contradict"));
	EXPECT_FALSE(parse("Content-Range: bytes 5-14/*\r\nTransfer-Encoding: chunked\r\n", partial)
			     .has_length);
	EXPECT_EQ(9u, parse("Content-Length: 9\r\nContent-Range: bytes 5-14/*\r\n").length)
		<< "of a 200 it is no range";
}

TEST(Head, Length)
{
	EXPECT_EQ(0u, parse("Content-Length: 0\r\n").length);
	EXPECT_TRUE(parse("Content-Length: 0\r\n").has_length);
	EXPECT_FALSE(parse("").has_length);
	EXPECT_EQ(uint64_t(INT64_MAX), parse("Content-Length: 9223372036854775807\r\n").length);
	EXPECT_EQ(7u, parse("CONTENT-LENGTH:7   \r\n").length);
	EXPECT_FALSE(parse("Content-Length-X: 7\r\nX-Content-Length: 8\r\n").has_length);
	for (const char *bad :
	     {"", " ", "-1", "+1", "0x10", "1,1", "1 1", "1.0", "ten", "9223372036854775808",
	      "18446744073709551615", "18446744073709551616", "99999999999999999999999999"})
		refusal("Content-Length: " + std::string(bad) + "\r\n");
	refusal("Content-Length: 5\r\nContent-Length: 6\r\n");
	refusal("Content-Length: 5\r\nX: y\r\ncontent-length: 5\r\n");
	EXPECT_TRUE(has(refusal("Content-Length: -1\r\n"),
			"invalid character in content-length header"));
}

TEST(Head, StatusWithoutBodyHasLengthZero)
{
	for (const char *start : {"HTTP/1.1 204 No Content\r\n", "HTTP/1.1 304 Not Modified\r\n"}) {
		head head = parse("", start);
		EXPECT_TRUE(head.has_length && head.keep_alive) << start;
		head = parse("Content-Length: 99\r\n", start);
		EXPECT_TRUE(head.has_length && !head.length) << start;
		head = parse("Transfer-Encoding: chunked\r\n", start);
		EXPECT_TRUE(head.has_length && !head.length && !head.chunked) << start;
	}
}

TEST(Head, TransferEncoding)
{
	for (const char *value :
	     {"chunked", "Chunked", " chunked ", "\tchunked", "identity, chunked", ",chunked,"}) {
		head head = parse("Transfer-Encoding: " + std::string(value) + "\r\n");
		EXPECT_TRUE(head.chunked && !head.encoded && !head.has_length) << value;
	}
	EXPECT_TRUE(parse("Transfer-Encoding: chunked\r\n").keep_alive);
	head head = parse("Transfer-Encoding: gzip, chunked\r\n");
	EXPECT_TRUE(head.chunked && head.encoded);
	head = parse("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n");
	EXPECT_TRUE(head.chunked && head.encoded);
	head = parse("Transfer-Encoding: gzip;q=1\r\n");
	EXPECT_TRUE(!head.chunked && head.encoded && !head.keep_alive);
	head = parse("Transfer-Encoding: identity\r\n");
	EXPECT_TRUE(!head.chunked && !head.encoded);
	refusal("Transfer-Encoding: chunked, gzip\r\n");
	refusal("Transfer-Encoding: chunked, chunked\r\n");
	refusal("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n");
	refusal("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n");
	refusal("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n");
}

TEST(Head, ContentEncoding)
{
	for (const char *plain :
	     {"", "identity", "IDENTITY", "identity, identity", ",", " identity;q=1"})
		EXPECT_FALSE(parse("Content-Encoding: " + std::string(plain) + "\r\n").encoded)
			<< plain;
	for (const char *coded :
	     {"gzip", "identity, br", "zstd,identity", "identityx", "identit", "aws-chunked"})
		EXPECT_TRUE(parse("Content-Encoding: " + std::string(coded) + "\r\n").encoded)
			<< coded;
	EXPECT_TRUE(parse("Content-Encoding: gzip\r\nContent-Encoding: identity\r\n").encoded);
}

TEST(Head, ConnectionStaysWhereBothSidesSayHowLongTheBodyIs)
{
	const std::string length = "Content-Length: 1\r\n", old = "HTTP/1.0 200 OK\r\n";

	EXPECT_TRUE(parse(length).keep_alive);
	EXPECT_FALSE(parse(length + "Connection: close\r\n").keep_alive);
	EXPECT_FALSE(parse(length + "Connection: x, Close\r\n").keep_alive);
	EXPECT_FALSE(parse("").keep_alive);
	EXPECT_FALSE(parse("Connection: keep-alive\r\n").keep_alive);
	EXPECT_FALSE(parse(length, old).keep_alive);
	EXPECT_TRUE(parse(length + "Connection: Keep-Alive\r\n", old).keep_alive);
}

TEST(Head, RetryAfter)
{
	EXPECT_EQ(120u, parse("Retry-After: 120\r\n").retry_after_s);
	EXPECT_EQ(0u, parse("Retry-After: 0\r\n").retry_after_s);
	EXPECT_EQ(UINT_MAX, parse("Retry-After: 4294967296\r\n").retry_after_s);
	EXPECT_EQ(UINT_MAX, parse("Retry-After: 99999999999999999999999\r\n").retry_after_s);
	for (const char *other : {"", "Fri, 31 Dec 1999 23:59:59 GMT", "-1", "1.5", "10 s"})
		EXPECT_EQ(0u, parse("Retry-After: " + std::string(other) + "\r\n").retry_after_s)
			<< other;
}

TEST(Head, Location)
{
	EXPECT_STREQ("http://h/x?y#z", parse("Location: http://h/x?y#z\r\n").location);
	EXPECT_STREQ("a", parse("Location: a\r\nLocation: b\r\n").location) << "the first";
	EXPECT_STREQ("", parse("Location:\r\n").location);
	std::string longest(URL_MAX - 1, 'x');
	EXPECT_EQ(longest, parse("Location: " + longest + "\r\n").location);
}

TEST(Head, Validator)
{
	const std::string date = "Mon, 01 Jan 2024 00:00:00 GMT",
			  modified = "Last-Modified: " + date + "\r\n";

	EXPECT_EQ(date, parse(modified).validator);
	EXPECT_STREQ("\"a\"", parse("ETag: \"a\"\r\n" + modified).validator);
	EXPECT_STREQ("\"a\"", parse(modified + "ETag: \"a\"\r\n").validator);
	EXPECT_STREQ("\"\"", parse("ETag: \"\"\r\n").validator);
	for (const char *weak :
	     {"W/\"a\"", "a", "\"a", "a\"", "\"", "", "\"a\"b\"", "\"a\" \"b\""}) {
		EXPECT_STREQ("", parse("ETag: " + std::string(weak) + "\r\n").validator) << weak;
		EXPECT_EQ(date, parse("ETag: " + std::string(weak) + "\r\n" + modified).validator)
			<< weak;
	}
	EXPECT_STREQ("", parse("Last-Modified: \"a\"\r\n").validator)
		<< "a date that looks like a tag";
	std::string longest = '"' + std::string(253, 'e') + '"';
	EXPECT_EQ(longest, parse("ETag: " + longest + "\r\n").validator);
	EXPECT_STREQ("", parse("ETag: \"" + longest + "\r\n").validator);
	EXPECT_STREQ("", parse("Last-Modified: " + std::string(256, 'd') + "\r\n").validator);
}

TEST(Head, RefusesWhatIsNoHttp)
{
	for (const char *garbage :
	     {"SSH-2.0-OpenSSH_9.2\r\n", "<html>", "\x16\x03\x01", "GET / HTTP/1.1\r\n", "HTTP/x",
	      "HTTP/1.1x", "HTTP/1.1 OK\r\n", "HTTP/1.1 2000 OK\r\n",
	      "HTTP/1.1 200 OK\r\nno colon\r\n", "HTTP/1.1 200 OK\r\n: x\r\n",
	      "HTTP/1.1 200 OK\r\nA: b\x01\r\n", "HTTP/1.1 200 OK\r\nA: b\rc\r\n"}) {
		Response response;
		EXPECT_EQ(-EPROTO, response.feed(garbage)) << garbage;
		EXPECT_EQ(0u,
			  std::string(response.err.text).find("the server's answer is no HTTP: "))
			<< response.err.text;
	}
	EXPECT_TRUE(has(refusal("", "HTTP/1.1 OK\r\n"), "invalid HTTP status code"));
	EXPECT_TRUE(has(refusal("", "HTTP/2.0 200 OK\r\n"), "HTTP/2.0, not HTTP/1"));
	EXPECT_TRUE(has(refusal("", "HTTP/0.9 200 OK\r\n"), "HTTP/0.9, not HTTP/1"));
	EXPECT_TRUE(has(refusal("", "HTTP/1.1 99 OK\r\n"), "status 99"));
	EXPECT_TRUE(has(refusal("Upgrade: h2c\r\nConnection: upgrade\r\n",
				"HTTP/1.1 101 Switching Protocols\r\n"),
			"status 101"));
	EXPECT_TRUE(has(refusal("Content-Length : 5\r\n"), "space in the name"));
	EXPECT_TRUE(has(refusal("A B: 5\r\n"), "space in the name"));
	for (const std::string &control :
	     {std::string(1, '\0'), std::string("\x01"), std::string("\x7f")}) {
		refusal("A: " + control + "\r\n");
		refusal("A: b" + control + "\r\n");
		refusal("A:\r\n " + control + "\r\n");
	}
	EXPECT_EQ(5u, parse("A: \t\x80\xff\r\nContent-Length: 5\r\n").length)
		<< "what is no control byte";
}

TEST(Head, EndsWithAnEmptyLineAndNothingElse)
{
	Response response;

	EXPECT_EQ(-EPROTO, response.feed(ok + "A: b\r\n\rX"));
	EXPECT_FALSE(response.done);
	EXPECT_TRUE(has(response.err.text, "empty line"));
}

TEST(Head, ErrorMayBeNull)
{
	auto parser = std::make_unique<head_parser>();
	bool done;

	for (const std::string &bad :
	     {std::string("x"), ok + "Content-Range: x\r\n\r\n", ok + "A: b\r\n\rX"}) {
		head_begin(parser.get());
		EXPECT_EQ(-EPROTO, head_feed(parser.get(), bad.data(), bad.size(), &done, nullptr));
	}
}

// A head of @size bytes.
std::string sized(size_t size)
{
	std::string head = ok;
	while (head.size() + 1000 < size)
		head += "X-Pad: " + std::string(100, 'x') + "\r\n";
	return head + "Y: " + std::string(size - head.size() - 7, 'y') + "\r\n\r\n";
}

TEST(Head, IsNoLongerThanItsMaximum)
{
	for (size_t piece : {size_t(1), size_t(777), size_t(HEAD_MAX), size_t(HEAD_MAX) * 2}) {
		for (size_t size : {size_t(HEAD_MAX) - 1, size_t(HEAD_MAX), size_t(HEAD_MAX) + 1,
				    size_t(HEAD_MAX) * 2}) {
			std::string bytes = sized(size);
			Response response;
			ssize_t ret = 0;
			ASSERT_EQ(size, bytes.size());
			for (size_t at = 0; at < size && ret >= 0; at += piece)
				ret = response.feed(bytes.substr(at, piece));
			EXPECT_EQ(size <= HEAD_MAX, response.done) << size << " in " << piece;
			EXPECT_EQ(size > HEAD_MAX, ret == -EMSGSIZE)
				<< size << " in " << piece << ": " << ret;
			EXPECT_EQ(size > HEAD_MAX,
				  has(response.err.text, "longer than 65536 bytes"));
		}
	}
}

TEST(Head, InterimResponsesCountToo)
{
	Response response;
	ssize_t ret = 0;

	for (int i = 0; i < 4000 && ret >= 0; i++)
		ret = response.feed("HTTP/1.1 100 Continue\r\n\r\n");
	EXPECT_EQ(-EMSGSIZE, ret) << "for ever is too long";
}

TEST(Head, FieldsThatMatterAreNoLongerThanAUrl)
{
	std::string large(URL_MAX, 'x');

	EXPECT_TRUE(has(refusal("Location: " + large + "\r\n", ok, -EMSGSIZE),
			"Location is longer than 8191"));
	EXPECT_TRUE(
		has(refusal("ETag: " + large + "\r\n", ok, -EMSGSIZE), "ETag is longer than 8191"));
	EXPECT_EQ(5u, parse("X-Other: " + large + large + "\r\nContent-Length: 5\r\n").length);
	EXPECT_EQ(5u, parse(large + ": x\r\nContent-Length: 5\r\n").length);
	EXPECT_EQ(5u, parse("Content-Range" + large + ": x\r\nContent-Length: 5\r\n").length);
}

// Real heads with some bytes changed, so that decoders get far.
TEST(Fuzz, RandomHeadsBreakNothing)
{
	const std::string whole =
		"\x05HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 206 Partial Content\r\nContent-Length: "
		"10\r\nContent-Range: bytes 5-14/100\r\n"
		"ETag: \"abc\"\r\nLast-Modified: x\r\nTransfer-Encoding: gzip, "
		"chunked\r\nContent-Encoding: gzip\r\nLocation: /x\r\n"
		"Retry-After: 7\r\nConnection: close\r\n\r\nbody";
	std::mt19937 random(1);

	for (int i = 0; i < 50'000; i++) {
		std::string bytes = whole;
		for (unsigned n = random() % 6; n; n--) {
			size_t at = random() % bytes.size();
			switch (random() % 4) {
			case 0:
				bytes[at] = char(random());
				break;
			case 1:
				bytes.erase(at, random() % 30);
				break;
			case 2:
				bytes.insert(at, bytes.substr(random() % bytes.size(), 30));
				break;
			case 3:
				bytes[at] = "\r\n :0-9/"[random() % 8];
				break;
			}
			if (bytes.empty())
				break;
		}
		fuzz_head(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
	}
}

} // namespace
