// SPDX-License-Identifier: BSD-3-Clause
/* devmemget: objects of web servers into device memory. */
#include "session.h"
#include "wait.h"

#include <stdio.h>
#include <string.h>

static int failed(enum exit_status status, const char *text)
{
	int number = wait_signal();

	fprintf(stderr, "devmemget: %s\n", number ? strsignal(number) : text);
	return number ? EXIT_STATUS_SIGNAL + number : (int)status;
}

static int run(struct session *session, const struct options *options)
{
	bool remote = names_are_remote(options);
	struct devmem_error err = {0};

	if (!remote && names_load(&session->names, options, &err))
		return failed(EXIT_STATUS_OBJECT, err.text);
	if (!remote && !session->names.n)
		return failed(EXIT_STATUS_OBJECT, "the index names no object");
	/* The NIC is the one on the way to the first server. */
	if (session_open(session, remote ? options->index : session->names.urls[0], &err))
		return failed(EXIT_STATUS_SETUP, err.text);
	if (remote && names_fetch(session, &err))
		return failed(EXIT_STATUS_OBJECT, err.text);
	if (!session_run(session))
		return failed(EXIT_STATUS_OBJECT, "ended before it was done");
	return report_end(session) && !session->failed ? EXIT_STATUS_OK : EXIT_STATUS_OBJECT;
}

int main(int argc, char **argv)
{
	struct options options;
	struct session session = {.options = &options};
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
