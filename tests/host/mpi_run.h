// SPDX-License-Identifier: BSD-3-Clause
// Runs a bench under mpirun and keeps what it said.
#pragma once

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/wait.h>

struct Outcome {
	int status;
	std::string text; // what it said, both streams
};

inline std::string build_dir() { return getenv("DEVMEM_BUILD") ? getenv("DEVMEM_BUILD") : "."; }

// Runs a command of the shell, @env before it.
inline Outcome run_command(const std::string &words, const std::string &env = "")
{
	const std::string command = env + " OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 timeout -k 5 60 " + words + " 2>&1";
	FILE *pipe = popen(command.c_str(), "r");
	std::array<char, 4096> chunk;
	Outcome outcome{-1, ""};

	if (!pipe)
		return outcome;
	while (size_t n = fread(chunk.data(), 1, chunk.size(), pipe))
		outcome.text.append(chunk.data(), n);
	int status = pclose(pipe);
	outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return outcome;
}

// Runs the program of the build on @ranks processes, or by itself for 0, with the shell's view of @args and @env.
inline Outcome run_program(int ranks, const std::string &program, const std::string &args, const std::string &env = "")
{
	const std::string launcher = ranks ? "mpirun --oversubscribe -n " + std::to_string(ranks) + " " : "";

	return run_command(launcher + build_dir() + "/bin/" + program + " " + args, env);
}

#define EXPECT_SAYS(words, outcome) EXPECT_NE(std::string::npos, (outcome).text.find(words)) << (outcome).text
