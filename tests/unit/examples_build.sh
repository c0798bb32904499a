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

# Every function of the header is there for others, and nothing else.
nm -D --defined-only "$out"/root/lib*/libdevmem.so | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort >"$out/exported"
sed 's/ \+/ /g' "$source/include/devmem.h" | grep -oE '\bdevmem_[a-z_0-9]+\(' | tr -d '(' | sort -u >"$out/declared"
grep -oE '^\.Fo devmem_[a-z_0-9]+' "$source/man/devmem.3" | cut -d' ' -f2 | sort -u >"$out/documented"
diff "$out/declared" "$out/exported" || { echo 'devmem.h (left) and the shared library (right) differ'; exit 1; }
diff "$out/declared" "$out/documented" || { echo 'devmem.h (left) and man/devmem.3 (right) differ'; exit 1; }

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
cmake -S "$out/cmake" -B "$out/cmake/build" -DCMAKE_PREFIX_PATH="$out/root" >"$out/cmake.log" && cmake --build "$out/cmake/build" >>"$out/cmake.log" 2>&1 || { cat "$out/cmake.log"; exit 1; }
"$out/cmake/build/cxx"
