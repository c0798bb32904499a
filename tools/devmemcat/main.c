// SPDX-License-Identifier: BSD-3-Clause
/* devmemcat: netcat to and from device memory. */
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "report.h"
#include "serve/server.h"
#include "session.h"
#include "wait.h"

/* A signal ends whatever was going on, so it is the reason, not what failed by it. */
static int final_status(enum exit_status status, const struct devmem_error *err)
{
	int number = wait_signal();

	if (number) {
		fprintf(stderr, "devmemcat: %s: ended before it was done\n", strsignal(number));
		return EXIT_STATUS_SIGNAL + number;
	}
	if (status)
		fprintf(stderr, "devmemcat: %s\n", err->text);
	return (int)status;
}

/* A signal is how a server ends. */
static int run_server(const struct options *options)
{
	struct devmem_error err = {0};
	enum exit_status status = serve(options, &err);

	if (err.code && status)
		fprintf(stderr, "devmemcat: %s\n", err.text);
	return (int)status;
}

int main(int argc, char **argv)
{
	struct devmem_error err = {0};
	struct options options;
	struct session session;
	enum exit_status status;
	bool told = true;
	int ret;

	options_parse(argc, argv, &options);
	ret = wait_init();
	if (ret) {
		fprintf(stderr, "devmemcat: signalfd: %s\n", strerror(-ret));
		return EXIT_STATUS_TRANSFER;
	}
	if (options.serve_dir)
		return run_server(&options);
	status = session_open(&session, &options, &err);
	if (!status)
		status = session_run(&session, &err);
	ret = final_status(status, &err);
	if (session.begin_ms)
		told = report_stats(&session, (enum exit_status)ret);
	session_close(&session);
	return told || ret ? ret : EXIT_STATUS_TRANSFER;
}
