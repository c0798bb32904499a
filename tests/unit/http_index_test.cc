// SPDX-License-Identifier: BSD-3-Clause
// Indexes: lists of references and S3 listings, and what is neither.
#include <cerrno>
#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <vector>

#include "../fuzz/fuzz_parse.h"
#include "devmem_http.h"
#include "url.h"

namespace
{

struct Index {
	int ret;
	devmem_error err = {};
	std::vector<std::string> names, urls;
	size_t stop_at = SIZE_MAX; // which entry is answered with 42
	explicit Index(const std::string &text, const std::string &base = "http://h/dir/list",
		       size_t stop = SIZE_MAX)
	    : stop_at(stop)
	{
		ret = devmem_index_parse(text.data(), text.size(), base.c_str(), entry, this, &err);
	}
	static int entry(void *arg, const char *name, const char *url)
	{
		auto *index = static_cast<Index *>(arg);
		index->names.push_back(name);
		index->urls.push_back(url);
		return index->names.size() > index->stop_at ? 42 : 0;
	}
};

using Texts = std::vector<std::string>;

// A broken index, which must give no entry.
void refused(const std::string &text, int code, const char *reason,
	     const std::string &base = "http://h/dir/list")
{
	Index index(text, base);

	EXPECT_EQ(code, index.ret) << text;
	EXPECT_EQ(code, index.err.code) << text;
	EXPECT_NE(nullptr, strstr(index.err.text, reason)) << text << ": " << index.err.text;
	EXPECT_EQ(Texts(), index.names) << text;
}

TEST(TextIndex, LinesAreReferences)
{
	Index index(
		"# a comment\n\na.bin\r\n  sub/b "
		"c.bin\t\n../up\n/root?x\nhttp://other:81/z\n//third/y\n   \n \t# too\n?q\nlast");

	EXPECT_EQ(0, index.ret) << index.err.text;
	EXPECT_EQ((Texts{"a.bin", "sub/b c.bin", "../up", "/root?x", "http://other:81/z",
			 "//third/y", "?q", "last"}),
		  index.names);
	EXPECT_EQ((Texts{"http://h/dir/a.bin", "http://h/dir/sub/b%20c.bin", "http://h/up",
			 "http://h/root?x", "http://other:81/z", "http://third/y",
			 "http://h/dir/list?q", "http://h/dir/last"}),
		  index.urls);
}

TEST(TextIndex, MayHaveNoObjects)
{
	for (const char *empty : {"", "\n", "\r\n\r\n", "#x", "\xef\xbb\xbf", "  "}) {
		Index index(empty);
		EXPECT_EQ(0, index.ret) << empty;
		EXPECT_EQ(Texts(), index.names) << empty;
	}
	EXPECT_EQ(0, devmem_index_parse(nullptr, 0, "http://h/", Index::entry, nullptr, nullptr));
}

TEST(TextIndex, ByteOrderMarkIsNoPartOfTheFirstName)
{
	EXPECT_EQ(Texts{"a"}, Index("\xef\xbb\xbf"
				    "a\n")
				      .names);
}

TEST(TextIndex, NeedsNoEndOfItsBytes)
{
	const char bytes[] = {'a', '\n', 'b', 'X'};
	Index index("");

	EXPECT_EQ(0, devmem_index_parse(bytes, 3, "http://h/", Index::entry, &index, nullptr));
	EXPECT_EQ((Texts{"a", "b"}), index.names);
}

TEST(TextIndex, ErrorsNameTheirLine)
{
	refused("\n\na\nhttps://h/x\nb", -EPROTONOSUPPORT,
		"line 4 of the index: https cannot be fetched");
	refused("a\nftp://h/x", -EINVAL, "line 2 of the index: ");
	refused("a\nb\x7f", -EINVAL,
		"line 2 of the index: byte 1 of the URL is a control byte (0x7f)");
	refused("a\tb", -EINVAL, "line 1 of the index: byte 1");
	refused("a\n" + std::string(URL_MAX, 'x'), -EINVAL, "line 2 of the index: it is too long");
	refused("a\n" + std::string(URL_MAX - 1, 'x'), -EINVAL,
		"line 2 of the index: the URL is longer");
	refused(std::string("a\0b", 3), -EPROTO, "neither");
	refused("a\n\x1f\x8b", -EPROTO, "neither");
	EXPECT_EQ(-EINVAL,
		  devmem_index_parse("ftp://x", 7, "http://h/", Index::entry, nullptr, nullptr));
}

TEST(AnyIndex, NeedsABase)
{
	refused("a", -EINVAL, "does not begin with http://", "dir/list");
	refused("a", -EPROTONOSUPPORT, "https", "https://h/");
	refused("<ListBucketResult/>", -EINVAL, "does not begin with http://", "");
}

std::string
listing(const std::string &contents,
	const std::string &before = "<Name>bucket</Name><IsTruncated>false</IsTruncated>")
{
	return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult "
	       "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" +
	       before + contents + "</ListBucketResult>";
}

std::string object(const std::string &key)
{
	return "<Contents><Key>" + key +
	       "</Key><LastModified>x</LastModified><ETag>&quot;e&quot;</ETag><Size>5</"
	       "Size><Owner><ID>i</ID><Key>no</Key></Owner></Contents>\n";
}

TEST(Listing, GivesItsKeysInOrder)
{
	Index index(listing("<Prefix>p/</Prefix>" + object("p/") + object("p/b") + object("p/a") +
			    "<CommonPrefixes><Prefix>p/c/</Prefix><Key>no</Key></CommonPrefixes>" +
			    object("x/y/") + object("z")),
		    "http://h:9000/bucket/?list-type=2&prefix=p/");

	EXPECT_EQ(0, index.ret) << index.err.text;
	EXPECT_EQ((Texts{"p/b", "p/a", "z"}), index.names);
	EXPECT_EQ((Texts{"http://h:9000/bucket/p/b", "http://h:9000/bucket/p/a",
			 "http://h:9000/bucket/z"}),
		  index.urls);
}

TEST(Listing, KeysArePercentEncoded)
{
	Index index(listing(object("a b+c%41&amp;&#x3c;?#/\xc3\xa4~-._") + object("/../x//y") +
			    object("a&#10;b") + object("<![CDATA[<k>]]>")),
		    "http://h/");

	EXPECT_EQ((Texts{"a b+c%41&<?#/\xc3\xa4~-._", "/../x//y", "a\nb", "<k>"}), index.names);
	EXPECT_EQ((Texts{"http://h/a%20b%2Bc%2541%26%3C%3F%23/%C3%A4~-._", "http://h//../x//y",
			 "http://h/a%0Ab", "http://h/%3Ck%3E"}),
		  index.urls);
}

TEST(Listing, KeysGoBehindTheFolderOrTheBucket)
{
	struct {
		const char *base, *url;
	} table[] = {
		{"http://h", "http://h/k"},
		{"http://h?list-type=2", "http://h/k"},
		{"http://h/bucket", "http://h/bucket/k"},
		{"http://h/bucket?list-type=2&prefix=a/b", "http://h/bucket/k"},
		{"http://h/bucket/", "http://h/bucket/k"},
		{"http://h/dir/bucket", "http://h/dir/bucket/k"},
		{"http://h/dir/list.xml", "http://h/dir/k"},
		{"http://h/bucket2", "http://h/k"},
		{"http://h/x?/bucket", "http://h/k"},
	};

	for (auto &row : table)
		EXPECT_EQ(Texts{row.url}, Index(listing(object("k")), row.base).urls) << row.base;
	EXPECT_EQ(Texts{"http://h/bucket/k"},
		  Index(listing(object("k") + "<Name>bucket</Name>", ""), "http://h/bucket").urls)
		<< "wherever the name stands";
	EXPECT_EQ(Texts{"http://h/k"},
		  Index(listing(object("k"), "<Name/>"), "http://h/bucket").urls);
	EXPECT_EQ(Texts{"http://h/bucket/k"},
		  Index(listing(object("k"), "<Name/>"), "http://h/bucket/").urls);
	EXPECT_EQ(Texts{"http://h/k"}, Index(listing(object("k"), ""), "http://h/bucket").urls)
		<< "a listing without a name";
}

TEST(Listing, MayBeEmptyOrHaveBlanksAround)
{
	EXPECT_EQ(0, Index("<ListBucketResult/>").ret);
	EXPECT_EQ(0, Index(listing("")).ret);
	EXPECT_EQ(Texts{"k"}, Index("\xef\xbb\xbf\r\n " + listing(object("k")) + "\n").names);
	EXPECT_EQ(Texts{"k"}, Index("<ListBucketResult>\n <Contents>\n  <Key>k</Key>\n "
				    "</Contents>\n</ListBucketResult>")
				      .names);
}

TEST(Listing, OnePageOfSeveralIsRefused)
{
	refused(listing(object("a"), "<IsTruncated>true</IsTruncated>"), -EOVERFLOW,
		"one page of several");
	refused(listing(object("a") + "<IsTruncated>true</IsTruncated>", ""), -EOVERFLOW,
		"one page of several");
	for (const char *odd : {"", "TRUE", " true", "1", "falsetrue"})
		refused(listing(object("a") + "<IsTruncated>" + odd + "</IsTruncated>", ""),
			-EPROTO, "neither true nor false");
	EXPECT_EQ(Texts{"a"},
		  Index(listing("<Owner><IsTruncated>true</IsTruncated></Owner>" + object("a")))
			  .names);
}

TEST(Listing, OtherXmlIsRefused)
{
	refused("<html></html>", -EPROTO, "the XML of a html");
	refused("<Error><Code>NoSuchBucket</Code></Error>", -EPROTO, "the XML of a Error");
	refused("<ListVersionsResult/>", -EPROTO, "the XML of a ListVersionsResult");
	refused("<x><ListBucketResult/></x>", -EPROTO, "the XML of a x");
	refused("<!DOCTYPE html><html></html>", -EPROTO, "a document of type html");
	refused(listing(object("a")) + "<x/>", -EPROTO, "line 3 is not");
	refused(listing(object("a")).substr(0, 150), -EPROTO, "begins like XML");
	refused(listing(object("a") + "</wrong>"), -EPROTO, "begins like XML");
	refused(listing(object("a") + object("\xff")), -EPROTO, "begins like XML");
	refused(listing(object("a") + object(std::string(1, '\0'))), -EPROTO, "begins like XML");
	refused("<", -EPROTO, "begins like XML");
	refused(listing(object("a"), "<EncodingType>url</EncodingType>"), -EPROTO, "encoding-type");
}

TEST(Listing, EntitiesAreNoWayToAttack)
{
	refused("<!DOCTYPE ListBucketResult [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b "
		"\"&a;&a;&a;&a;\">]>" +
			listing(object("&b;")).substr(39),
		-EPROTO, "a document of type ListBucketResult");
	refused("<!DOCTYPE ListBucketResult [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>" +
			listing(object("&a;")).substr(39),
		-EPROTO, "a document of type ListBucketResult");
	refused("<!DOCTYPE ListBucketResult SYSTEM \"http://h/x.dtd\">" +
			listing(object("a")).substr(39),
		-EPROTO, "a document of type ListBucketResult");
	refused(listing(object("&undefined;")), -EPROTO, "begins like XML");
}

TEST(Listing, ObjectsHaveOneKey)
{
	refused(listing(object("a") + object("")), -EPROTO, "empty key");
	refused(listing(object("a") + "<Contents><Key>a</Key><Key>b</Key></Contents>"), -EPROTO,
		"or with two");
	refused(listing(object("a") + "<Contents><Size>1</Size></Contents>"), -EPROTO,
		"without a key");
	refused(listing(object("a") + "<Contents/>"), -EPROTO, "without a key");
	refused(listing(object("a<b/>c")), -EPROTO, "an element inside of a Key");
	refused(listing(object("a") + object(std::string(1025, 'k'))), -EPROTO,
		"Key is longer than 1024");
}

TEST(Listing, LongKeysFitBehindLongBases)
{
	std::string key(1024, ' '), encoded;
	for (size_t i = 0; i < key.size(); i++)
		encoded += "%20";
	std::string base = "http://h/" + std::string(URL_MAX - 3 * 1024 - 2 - 10, 'd') + "/";
	Index index(listing(object(key)), base);

	EXPECT_EQ(0, index.ret) << index.err.text;
	EXPECT_EQ(Texts{base + encoded}, index.urls);
	EXPECT_LT(index.urls[0].size(), size_t(URL_MAX));
	refused(listing(object("k")), -EINVAL, "too long to have keys behind it", base + "xx");
	EXPECT_EQ(0, Index(listing(object("k")), base + "?" + std::string(1000, 'q')).ret)
		<< "a query does not count";
}

TEST(Listing, MayBeLargerThanItIsReadAtOnce)
{
	std::string contents;
	const size_t n = 20'000;

	for (size_t i = 0; i < n; i++)
		contents += object("shard/" + std::to_string(i));
	Index index(listing(contents), "http://h/");
	ASSERT_GT(contents.size(), size_t(2) << 20);
	ASSERT_EQ(n, index.urls.size()) << index.err.text;
	for (size_t i = 0; i < n; i++)
		ASSERT_EQ("http://h/shard/" + std::to_string(i), index.urls[i]);
}

TEST(AnyIndex, StopsWhenAnEntryDoesNotReturnZero)
{
	for (const std::string &text :
	     {std::string("a\nb\nc"), listing(object("a") + object("b") + object("c"))}) {
		Index index(text, "http://h/", 1);
		EXPECT_EQ(42, index.ret);
		EXPECT_EQ((Texts{"a", "b"}), index.names);
		EXPECT_EQ(42, Index(text, "http://h/", 2).ret) << "at the last one, too";
	}
}

// Real indexes with some bytes changed.
TEST(Fuzz, RandomIndexesBreakNothing)
{
	const std::string wholes[] = {listing(object("a/b c") + object("d/")),
				      "# c\r\na/b\r\nhttp://x:1/y\n../z?q\n//h\n"};
	std::mt19937 random(1);

	for (int i = 0; i < 50'000; i++) {
		std::string bytes = wholes[i % 2];
		for (unsigned n = random() % 4; n; n--) {
			size_t at = random() % bytes.size();
			switch (random() % 3) {
			case 0:
				bytes[at] = char(random());
				break;
			case 1:
				bytes.erase(at, random() % 10);
				break;
			case 2:
				bytes.insert(at, bytes.substr(random() % bytes.size(), 40));
				break;
			}
			if (bytes.empty())
				break;
		}
		fuzz_index(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
	}
}

} // namespace
