// SPDX-License-Identifier: BSD-3-Clause
/* devmemget: objects of web servers into device memory. */
#include "session.h"
#include "wait.h"

#include <stdio.h>
#include <string.h>

/* Any URL of the run's servers: the NIC is the one on the way there. */
static const char *first_url(const struct options *options)
{
	if (options->n_urls)
		return options->urls[0];
	return options->base ? options->base : options->index;
}

static int failed(enum exit_status status, const char *text)
{
	int number = wait_signal();

	fprintf(stderr, "devmemget: %s\n", number ? strsignal(number) : text);
	return number ? EXIT_STATUS_SIGNAL + number : (int)status;
}

static int run(struct session *session, const struct options *options)
{
	struct devmem_error err = {0};

	if (session_open(session, options, first_url(options), &err))
		return failed(EXIT_STATUS_SETUP, err.text);
	if (names_load(session, &err))
		return failed(EXIT_STATUS_OBJECT, err.text);
	if (!session_run(session))
		return failed(EXIT_STATUS_OBJECT, "ended before it was done");
	return report_end(session) && !session->failed ? EXIT_STATUS_OK : EXIT_STATUS_OBJECT;
}

int main(int argc, char **argv)
{
	struct options options;
	struct session session;
	int ret;

	options_parse(argc, argv, &options);
	ret = wait_init();
	if (ret) {
		fprintf(stderr, "devmemget: signalfd: %s\n", strerror(-ret));
		return EXIT_STATUS_SETUP;
	}
	ret = run(&session, &options);
	session_close(&session);
	return ret;
}
