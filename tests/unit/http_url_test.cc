// SPDX-License-Identifier: BSD-3-Clause
// URLs taken apart and followed, and the request that is made of them.
#include <cerrno>
#include <cstring>
#include <gtest/gtest.h>
#include <random>

#include "../fuzz/fuzz_parse.h"
#include "request.h"
#include "url.h"

namespace
{

struct Parsed {
	int ret;
	url parts = {};
	devmem_error err = {};
	explicit Parsed(const std::string &text)
	{
		ret = url_parse(text.c_str(), &parts, &err);
	}
	std::string text() const
	{
		char room[URL_MAX];
		return url_text(&parts, room, sizeof(room));
	}
	std::string authority() const
	{
		char room[URL_AUTHORITY];
		return url_authority(&parts, room, sizeof(room));
	}
};

TEST(Url, IsTakenApart)
{
	struct {
		const char *text, *host;
		int port;
		const char *target, *authority;
		bool literal6;
	} table[] = {
		{"http://h", "h", 80, "/", "h", false},
		{"http://h/", "h", 80, "/", "h", false},
		{"HTTP://Ex-Ample.COM:8080/A/b?c=D", "ex-ample.com", 8080, "/A/b?c=D",
		 "ex-ample.com:8080", false},
		{"http://h:80/x", "h", 80, "/x", "h", false},
		{"http://h:65535", "h", 65535, "/", "h:65535", false},
		{"http://h?list-type=2", "h", 80, "/?list-type=2", "h", false},
		{"http://h:1?q", "h", 1, "/?q", "h:1", false},
		{"http://h/a#part", "h", 80, "/a", "h", false},
		{"http://h#part", "h", 80, "/", "h", false},
		{"http://h/a?b#c?d#e", "h", 80, "/a?b", "h", false},
		{"http://h/a?b?c/d://e", "h", 80, "/a?b?c/d://e", "h", false},
		{"http://10.0.0.1:9000/b/k", "10.0.0.1", 9000, "/b/k", "10.0.0.1:9000", false},
		{"http://[::1]/x", "::1", 80, "/x", "[::1]", true},
		{"http://[FD00::1:2]:81/x", "fd00::1:2", 81, "/x", "[fd00::1:2]:81", true},
		{"http://a_b.c/", "a_b.c", 80, "/", "a_b.c", false},
		{"http://h/a b", "h", 80, "/a%20b", "h", false},
		{"http://h/\xc3\xa4?\xff", "h", 80, "/%C3%A4?%FF", "h", false},
		{"http://h/\"<>\\^`{|}", "h", 80, "/%22%3C%3E%5C%5E%60%7B%7C%7D", "h", false},
		{"http://h/%41%2f+~!$&'()*,;=:@[]-._", "h", 80, "/%41%2f+~!$&'()*,;=:@[]-._", "h",
		 false},
		{"http://h/a/../b/./c//d", "h", 80, "/a/../b/./c//d", "h", false},
		{"http://h/u@x:y", "h", 80, "/u@x:y", "h", false},
	};

	for (auto &row : table) {
		Parsed url(row.text);
		EXPECT_EQ(0, url.ret) << row.text << ": " << url.err.text;
		EXPECT_STREQ(row.host, url.parts.host) << row.text;
		EXPECT_EQ(row.port, url.parts.port) << row.text;
		EXPECT_STREQ(row.target, url.parts.target) << row.text;
		EXPECT_EQ(row.literal6, url.parts.literal6) << row.text;
		EXPECT_EQ(row.authority, url.authority()) << row.text;
		EXPECT_EQ("http://" + url.authority() + row.target, url.text()) << row.text;
	}
}

TEST(Url, IsRefusedWithAReason)
{
	struct {
		std::string text;
		int ret;
		const char *reason;
	} table[] = {
		{"", -EINVAL, "does not begin with http://"},
		{"h/x", -EINVAL, "does not begin with http://"},
		{"/x", -EINVAL, "does not begin with http://"},
		{"//h/x", -EINVAL, "does not begin with http://"},
		{"s3://bucket/key", -EINVAL, "does not begin with http://"},
		{"http:/h", -EINVAL, "does not begin with http://"},
		{" http://h/", -EINVAL, "does not begin with http://"},
		{"https://h/x", -EPROTONOSUPPORT, "cannot decrypt"},
		{"HTTPS://u:p@h", -EPROTONOSUPPORT, "ends TLS"},
		{"http://", -EINVAL, "not of the form"},
		{"http:///x", -EINVAL, "not of the form"},
		{"http://:80/", -EINVAL, "not of the form"},
		{"http://h:/", -EINVAL, "not of the form"},
		{"http://h:65536/", -EINVAL, "not of the form"},
		{"http://h:99999999999999999999/", -EINVAL, "not of the form"},
		{"http://h:-1/", -EINVAL, "not of the form"},
		{"http://h:8x/", -EINVAL, "not of the form"},
		{"http://h h/", -EINVAL, "not of the form"},
		{"http://h\xc3\xa4/", -EINVAL, "not of the form"},
		{"http://h%41/", -EINVAL, "not of the form"},
		{"http://[::1", -EINVAL, "not of the form"},
		{"http://[]/", -EINVAL, "not of the form"},
		{"http://::1/", -EINVAL, "not of the form"},
		{"http://[::1]x/", -EINVAL, "not of the form"},
		{"http://@h/", -EINVAL, "user information"},
		{"http://u@h@i/", -EINVAL, "user information"},
		{"http://u:p/@h?/", -EINVAL, "not of the form"},
		{"http://[1:2]/", -EINVAL, "no IPv6 address"},
		{"http://[fe80::1%25eth0]/", -EINVAL, "no IPv6 address"},
		{"http://h:0/", -EINVAL, "port is not 1 to 65535"},
		{"http://u@h/", -EINVAL, "user information"},
		{"http://u:p@h:80/", -EINVAL, "user information"},
		{"http://h/a\r\nX: y", -EINVAL,
		 "byte 10 of the URL is a control byte (0x0d): write it as %0D"},
		{"http://h/\x7f", -EINVAL, "control byte (0x7f)"},
		{"http://h/\t", -EINVAL, "control byte (0x09)"},
		{"http://h\n/", -EINVAL, "control byte (0x0a)"},
		{"http://" + std::string(256, 'h') + "/", -EINVAL, "host is longer than 255"},
		{"http://h/" + std::string(URL_MAX, 'x'), -EINVAL, "longer than 8191"},
		{"http://h/" + std::string(URL_MAX / 3, ' '), -EINVAL, "longer than 8191"},
	};

	for (auto &row : table) {
		Parsed url(row.text);
		EXPECT_EQ(row.ret, url.ret) << row.text;
		EXPECT_EQ(row.ret, url.err.code) << row.text;
		EXPECT_NE(nullptr, strstr(url.err.text, row.reason))
			<< row.text << ": " << url.err.text;
		url_parse(row.text.c_str(), &url.parts, nullptr);
	}
}

TEST(Url, IsNoLongerThanItsText)
{
	std::string longest = "http://h/" + std::string(URL_MAX - 10, 'x');

	EXPECT_EQ(longest, Parsed(longest).text());
	EXPECT_EQ(-EINVAL, Parsed(longest + "x").ret);
	std::string query = "http://h?" + std::string(URL_MAX - 11, 'x');
	EXPECT_EQ(0, Parsed(query).ret);
	EXPECT_EQ(-EINVAL, Parsed(query + "x").ret) << "no room for the slash";
	std::string host(255, 'h');
	EXPECT_EQ(host + ":65535", Parsed("http://" + host + ":65535").authority());
}

TEST(Url, HidesThePasswordThatItRefuses)
{
	for (const char *text :
	     {"http://user:secret@h/", "http://user:secret@h:x/", "http://user:secret@@h"})
		EXPECT_EQ(nullptr, strstr(Parsed(text).err.text, "secret")) << text;
}

std::string follow(const char *base, const std::string &reference)
{
	Parsed from(base);
	devmem_error err = {};
	char room[URL_MAX];
	url found;

	EXPECT_EQ(0, from.ret) << base;
	if (int ret = url_follow(&from.parts, reference.c_str(), &found, &err))
		return std::string(strerrorname_np(-ret)) + ": " + err.text;
	EXPECT_EQ(0, url_follow(&from.parts, reference.c_str(), &from.parts, &err))
		<< "onto itself";
	EXPECT_EQ(url_text(&found, room, sizeof(room)), from.text());
	return from.text();
}

// The table of RFC 3986, 5.4, without what has no place in a target: parameters are nothing
// special, fragments are dropped.
TEST(Follow, ResolvesAsTheRfcHasIt)
{
	struct {
		const char *reference, *want;
	} table[] = {
		{"http:g", nullptr},
		{"g", "/b/c/g"},
		{"./g", "/b/c/g"},
		{"g/", "/b/c/g/"},
		{"/g", "/g"},
		{"?y", "/b/c/d;p?y"},
		{"g?y", "/b/c/g?y"},
		{"#s", "/b/c/d;p?q"},
		{"g#s", "/b/c/g"},
		{"g?y#s", "/b/c/g?y"},
		{";x", "/b/c/;x"},
		{"g;x", "/b/c/g;x"},
		{"g;x?y#s", "/b/c/g;x?y"},
		{"", "/b/c/d;p?q"},
		{".", "/b/c/"},
		{"./", "/b/c/"},
		{"..", "/b/"},
		{"../", "/b/"},
		{"../g", "/b/g"},
		{"../..", "/"},
		{"../../", "/"},
		{"../../g", "/g"},
		{"../../../g", "/g"},
		{"../../../../g", "/g"},
		{"/./g", "/g"},
		{"/../g", "/g"},
		{"g.", "/b/c/g."},
		{".g", "/b/c/.g"},
		{"g..", "/b/c/g.."},
		{"..g", "/b/c/..g"},
		{"./../g", "/b/g"},
		{"./g/.", "/b/c/g/"},
		{"g/./h", "/b/c/g/h"},
		{"g/../h", "/b/c/h"},
		{"g;x=1/./y", "/b/c/g;x=1/y"},
		{"g;x=1/../y", "/b/c/y"},
		{"g?y/./x", "/b/c/g?y/./x"},
		{"g?y/../x", "/b/c/g?y/../x"},
		{"a//../b", "/b/c/a/b"},
		{"./a:b", "/b/c/a:b"},
		{"g h", "/b/c/g%20h"},
		{"/..", "/"},
		{"/a/b/..?x", "/a/?x"},
	};

	for (auto &row : table) {
		std::string got = follow("http://a/b/c/d;p?q", row.reference);
		if (row.want)
			EXPECT_EQ(std::string("http://a") + row.want, got) << row.reference;
		else
			EXPECT_EQ(0u, got.find("EINVAL: ")) << row.reference << got;
	}
}

TEST(Follow, GoesToOtherHostsAndPorts)
{
	EXPECT_EQ("http://g/", follow("http://a:81/b", "//g"));
	EXPECT_EQ("http://g:82/x?y", follow("http://a:81/b", "//g:82/x?y"));
	EXPECT_EQ("http://[::2]:82/x", follow("http://a:81/b", "//[::2]:82/x"));
	EXPECT_EQ("http://c/e?q=../x", follow("http://a:81/b", "http://c/d/../e?q=../x"));
	EXPECT_EQ("http://a:81/x", follow("http://a:81/b", "/x")) << "the port stays";
	EXPECT_EQ("http://[::1]:81/x", follow("http://[::1]:81/b/c", "../x"));
	EXPECT_EQ("http://a/x", follow("http://a", "x"));
	EXPECT_EQ("http://a/?y", follow("http://a?x", "?y"));
	EXPECT_EQ("http://a/b?y/z", follow("http://a/b?x/w/v", "?y/z"))
		<< "slashes of a query are none";
	EXPECT_EQ("http://a/z", follow("http://a/b?x/w/v", "z"));
}

TEST(Follow, RefusesWhatCannotBeFetched)
{
	EXPECT_EQ(0u, follow("http://a/b", "https://c/d").find("EPROTONOSUPPORT: "));
	EXPECT_EQ(0u, follow("http://a/b", "ftp://c/d").find("EINVAL: "));
	EXPECT_EQ(0u, follow("http://a/b", "mailto:x").find("EINVAL: "));
	EXPECT_EQ(0u, follow("http://a/b", "//u@c/d").find("EINVAL: "));
	EXPECT_EQ(0u, follow("http://a/b", "///d").find("EINVAL: "));
	EXPECT_EQ(0u, follow("http://a/b", "c\nd").find("EINVAL: "));
	EXPECT_EQ(0u, follow("http://a/b", std::string(URL_MAX, 'x')).find("EINVAL: "));
	EXPECT_EQ(0u, follow("http://a/b", "//" + std::string(URL_MAX - 3, 'x')).find("EINVAL: "));
	EXPECT_EQ(0u, follow("http://a/b/", std::string(URL_MAX - 11, 'x')).find("EINVAL: "));
	EXPECT_EQ(8191u, follow("http://a/b/", std::string(URL_MAX - 12, 'x')).size());
	std::string base = "http://a/" + std::string(URL_MAX - 11, 'd') + "/";
	EXPECT_EQ(0u, follow(base.c_str(), std::string(URL_MAX - 2, 'x')).find("EINVAL: "));
}

TEST(Follow, LeavesTheUrlAloneOnError)
{
	Parsed base("http://a/b");

	EXPECT_EQ(-EPROTONOSUPPORT, url_follow(&base.parts, "https://c/", &base.parts, nullptr));
	EXPECT_EQ("http://a/b", base.text());
}

std::string request(const char *text, uint64_t first, uint64_t last, bool ranged,
		    const char *if_range)
{
	char room[REQUEST_MAX];
	Parsed url(text);
	int len = request_format(&url.parts, first, last, ranged, if_range, room, sizeof(room));

	EXPECT_EQ(strlen(room), size_t(len));
	for (int small = 0; small <= len; small++)
		EXPECT_EQ(-ENOSPC, request_format(&url.parts, first, last, ranged, if_range, room,
						  size_t(small)))
			<< small;
	EXPECT_EQ(len,
		  request_format(&url.parts, first, last, ranged, if_range, room, size_t(len) + 1));
	return room;
}

TEST(Request, AsksForAWholeObject)
{
	EXPECT_EQ("GET /a?b HTTP/1.1\r\n"
		  "Host: h:81\r\n"
		  "User-Agent: devmem/" DEVMEM_VERSION "\r\n"
		  "Accept: */*\r\n"
		  "Accept-Encoding: identity\r\n"
		  "Connection: keep-alive\r\n"
		  "\r\n",
		  request("http://H:81/a?b", 5, 6, false, "\"tag\""));
}

TEST(Request, AsksForARangeOfTheSameObject)
{
	std::string whole = request("http://[::1]/", 0, 0, false, nullptr);
	std::string start = whole.substr(0, whole.size() - 2);

	EXPECT_NE(std::string::npos, whole.find("\r\nHost: [::1]\r\n"));
	EXPECT_EQ(start + "Range: bytes=0-0\r\n\r\n",
		  request("http://[::1]/", 0, 0, true, nullptr));
	EXPECT_EQ(start + "Range: bytes=5-18446744073709551614\r\n\r\n",
		  request("http://[::1]/", 5, UINT64_MAX - 1, true, ""));
	EXPECT_EQ(start + "Range: bytes=5-\r\n\r\n",
		  request("http://[::1]/", 5, UINT64_MAX, true, ""));
	EXPECT_EQ(start + "Range: bytes=5-9\r\nIf-Range: \"a b\"\r\n\r\n",
		  request("http://[::1]/", 5, 9, true, "\"a b\""));
}

TEST(Request, FitsInItsMaximum)
{
	std::string text = "http://h/" + std::string(URL_MAX - 10, 'x'),
		    etag = '"' + std::string(253, 'e') + '"';

	EXPECT_GT(REQUEST_MAX,
		  request(text.c_str(), UINT64_MAX - 1, UINT64_MAX - 1, true, etag.c_str()).size());
}

// Pieces of URLs in any order, and bytes that are none.
TEST(Fuzz, RandomUrlsBreakNothing)
{
	const char *pieces[] = {"http://", "https://", "h",  ":",    "80",   "/", "..",
				".",	   "?",	       "#",  "[",    "::1",  "]", "@",
				"%",	   " ",	       "\n", "\x01", "\xff", "x"};
	std::mt19937 random(1);

	for (int i = 0; i < 100'000; i++) {
		std::string text = random() % 4 ? "http://h" : "";
		for (unsigned n = random() % 20; n; n--)
			text += pieces[random() % std::size(pieces)];
		fuzz_url(reinterpret_cast<const uint8_t *>(text.data()), text.size());
	}
}

} // namespace
