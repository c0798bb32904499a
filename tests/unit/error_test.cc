// SPDX-License-Identifier: BSD-3-Clause
// Error texts: built from one another, cut to their room, and what is advised for an error number.
#include <cerrno>
#include <cstring>
#include <gtest/gtest.h>
#include <string>

#include "devmem.h"
#include "error.h"

namespace {

TEST(Error, MayQuoteItsOwnText)
{
	devmem_error err = {};

	EXPECT_EQ(-2, devmem_error_set(&err, -2, "no device %d", 7));
	EXPECT_EQ(-95, devmem_error_set(&err, -95, "required, and there is none: %s", err.text));
	EXPECT_STREQ("required, and there is none: no device 7", err.text);
	EXPECT_EQ(-95, err.code);
}

TEST(Error, IsCutToItsRoom)
{
	devmem_error err = {};
	std::string text(2 * DEVMEM_ERROR_TEXT, 'x');

	devmem_error_set(&err, -1, "%s", text.c_str());
	EXPECT_EQ(static_cast<size_t>(DEVMEM_ERROR_TEXT) - 1, strlen(err.text));
	EXPECT_EQ(-1, devmem_error_set(nullptr, -1, "%s", text.c_str()));
}

TEST(Error, EachUsualNumberHasItsOwnAdvice)
{
	const int codes[] = {ECONNRESET, ECONNREFUSED, ETIMEDOUT,  EHOSTUNREACH, EMFILE, ENOMEM, EADDRNOTAVAIL,
			     EADDRINUSE, EPERM,	       EPROTO,	   EMSGSIZE,	 EFAULT, EIO};
	const std::string other = error_advice(ELIBBAD);

	EXPECT_NE("", other);
	for (int code : codes) {
		EXPECT_NE(other, error_advice(code)) << strerror(code);
		EXPECT_STREQ(error_advice(code), error_advice(-code)) << strerror(code);
		EXPECT_NE('\0', error_advice(code)[0]);
	}
	EXPECT_STREQ(error_advice(ECONNRESET), error_advice(EPIPE));
}

} // namespace
