/* SPDX-License-Identifier: BSD-3-Clause */
/* One entry point for every parser of bytes from outside: libFuzzer calls it, and a unit test with
 * random bytes. */
#ifndef FUZZ_PARSE_H
#define FUZZ_PARSE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Aborts when a parser breaks its promise. */
void fuzz_wire(const uint8_t *data, size_t size);
void fuzz_recv(const uint8_t *data, size_t size);
void fuzz_text(const uint8_t *data, size_t size);
void fuzz_broker(const uint8_t *data, size_t size);
void fuzz_metrics(const uint8_t *data, size_t size);
/* Those of libdevmem-http, in fuzz_http.c. */
void fuzz_url(const uint8_t *data, size_t size);
void fuzz_head(const uint8_t *data, size_t size);
void fuzz_index(const uint8_t *data, size_t size);
/* The whole client of libdevmem-http, in fuzz_response.c. */
void fuzz_response(const uint8_t *data, size_t size);
/* Those of devmemcat --serve, in fuzz_request.c. */
void fuzz_request(const uint8_t *data, size_t size);

#ifdef __cplusplus
}
#endif

#endif
