// SPDX-License-Identifier: BSD-3-Clause
/* What this rank is: its machine, its plugin, its NIC and the plugin's plan. */
#include "environment.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "nic_facts.h"
#include "plan_log.h"

static void add_cpu(struct facts *facts)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		const char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) != 0 || !colon)
			continue;
		line[strcspn(line, "\n")] = '\0';
		facts_add(facts, "cpu", colon + 1 + strspn(colon + 1, " "));
		break;
	}
	if (file)
		fclose(file);
}

static void add_machine(struct facts *facts)
{
	char mpi[MPI_MAX_LIBRARY_VERSION_STRING];
	struct utsname name;
	int len;

	if (uname(&name) == 0)
		facts_add(facts, "kernel", name.release);
	add_cpu(facts);
	facts_add(facts, "devmem", DEVMEM_VERSION);
	MPI_Get_library_version(mpi, &len);
	mpi[strcspn(mpi, ",\n")] = '\0';	/* the rest is where it was built */
	facts_add(facts, "mpi", mpi);
}

/* Of the file's bytes: plugins have no version that says more. */
static void add_digest(struct facts *facts, const char *path)
{
	FILE *file = fopen(path, "re");
	char text[17], block[65536];
	uint64_t digest = 0;
	size_t n;

	if (!file)
		return;
	while ((n = fread(block, 1, sizeof(block), file)) > 0)
		digest = digest_add(digest, block, n);
	fclose(file);
	snprintf(text, sizeof(text), "%016lx", digest);
	facts_add(facts, "plugin_digest", text);
}

static void add_plugin(struct facts *facts, const struct comm *comm)
{
	const struct plan_words words = plan_log_words();

	facts_add(facts, "plugin_file", comm->net->file);
	add_digest(facts, comm->net->file);
	facts_add_number(facts, "abi", comm->net->abi);
	facts_add(facts, "device", comm->device_name);
	nic_facts_add(facts, comm->device_name);
	facts_add(facts, "plan", words.plan[0] ? words.plan : NULL);
	facts_add(facts, "queues", words.queues[0] ? words.queues : NULL);
}

void environment_add(struct facts *facts, const struct comm *comm)
{
	char gpu[128];

	add_machine(facts);
	if (comm->net->abi)
		add_plugin(facts, comm);
	if (comm->args->memory == DEVMEM_MEM_CUDA) {
		gpu_name(&comm->local->gpu, gpu, sizeof(gpu));
		facts_add(facts, "gpu", gpu);
	}
}
