#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Builds the examples as a user would: the tree installed somewhere, and outside of it pkg-config, and CMake's find_package. examples_build.sh BUILD-FOLDER
set -eu

build=$1
source=$(cd "$(dirname "$0")/../.." && pwd)
out=$build/examples
rm -rf "$out"
mkdir -p "$out/cmake"
cmake --install "$build" --prefix "$out/root" >"$out/install.log"
pc=$(dirname "$(find "$out/root" -name devmem.pc)")
for example in receive send echo; do
	[ "$(wc -l <"$source/examples/$example.c")" -le 60 ] || { echo "examples/$example.c has more than 60 lines"; exit 1; }
	# shellcheck disable=SC2046 # words
	cc -std=gnu11 -Wall -Wextra -Werror -O2 -o "$out/$example" "$out/root/share/doc/devmem/examples/$example.c" $(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs devmem)
done

# same_functions HEADER LIBRARY PAGE: every function of the header is there for others, and nothing else; and the page has all of them.
same_functions() {
	nm -D --defined-only "$out/root"/lib*/"$2" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort >"$out/exported"
	# Comments name functions of other headers, too.
	sed -zE 's@/[*][^*]*[*]+([^/*][^*]*[*]+)*/@@g; s/ +/ /g' "$source/include/$1" | grep -oE '\bdevmem_[a-z_0-9]+\(' | tr -d '(' | sort -u >"$out/declared"
	grep -oE '^\.Fo devmem_[a-z_0-9]+' "$source/man/$3" | cut -d' ' -f2 | sort -u >"$out/documented"
	[ -s "$out/declared" ] || { echo "no function was found in $1"; exit 1; }
	diff "$out/declared" "$out/exported" || { echo "$1 (left) and $2 (right) differ"; exit 1; }
	diff "$out/declared" "$out/documented" || { echo "$1 (left) and man/$3 (right) differ"; exit 1; }
}
same_functions devmem.h libdevmem.so devmem.3
same_functions devmem_http.h libdevmem-http.so devmem-http.3

# shellcheck disable=SC2046 # words
cc -std=gnu11 -Wall -Wextra -Werror -O2 -xc -o "$out/http" - $(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs devmem-http) <<TEXT
#include <devmem_http.h>
int main(void) { devmem_http_close(NULL); return 0; }
TEXT

cat >"$out/cmake/CMakeLists.txt" <<TEXT
cmake_minimum_required(VERSION 3.25)
project(user C CXX)
find_package(devmem 0.1 REQUIRED)
add_executable(receive $source/examples/receive.c)
target_link_libraries(receive devmem::devmem)
file(WRITE \${CMAKE_BINARY_DIR}/cxx.cc "#include <devmem.h>\nint main() { return devmem_stream_tokens_out == nullptr; }\n")
add_executable(cxx \${CMAKE_BINARY_DIR}/cxx.cc)
target_link_libraries(cxx devmem::devmem)
TEXT
cmake -G Ninja -S "$out/cmake" -B "$out/cmake/build" -DCMAKE_PREFIX_PATH="$out/root" >"$out/cmake.log" && cmake --build "$out/cmake/build" >>"$out/cmake.log" 2>&1 || { cat "$out/cmake.log"; exit 1; }
"$out/cmake/build/cxx"
