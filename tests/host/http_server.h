// SPDX-License-Identifier: BSD-3-Clause
// A web server of this process whose answers a test writes: a thread for each connection, all ended with the server.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

struct HttpRequest {
	std::string target;
	std::map<std::string, std::string> fields; // by names in lower case
	unsigned int number;			   // of all requests, from 0
	unsigned int connection;		   // of all connections, from 0
	bool ranged() const { return fields.count("range"); }
	std::string field(const std::string &name) const;
	uint64_t first() const; // of the range; 0 without one
	uint64_t last() const;	// the same; UINT64_MAX where it is open
};

class HttpConnection {
	int fd_;
	std::string rest_;

      public:
	explicit HttpConnection(int fd) : fd_(fd) {}
	bool read_request(HttpRequest *request); // false at the end
	void send(const std::string &bytes);	 // returns early where the client is gone
	void reset();				 // once the client's kernel has all that was sent
	void wait_for_end();			 // until the client hangs up, or the server is ended
};

// Answers a request; false ends the connection.
using HttpScript = std::function<bool(HttpConnection &, const HttpRequest &)>;

class HttpServer {
	HttpScript script_;
	uint16_t port_ = 0;
	int listener_; // after its port
	std::mutex lock_;
	std::vector<int> sockets_; // -1: ended
	std::vector<std::thread> threads_;
	std::vector<HttpRequest> requests_;
	std::thread accepter_;
	bool ending_ = false;

	void accept_all();
	void serve(int fd, unsigned int number);

      public:
	explicit HttpServer(HttpScript script);
	~HttpServer();
	HttpServer(const HttpServer &) = delete;
	std::string url(const std::string &target) const { return "http://127.0.0.1:" + std::to_string(port_) + target; }
	std::vector<HttpRequest> requests();
	unsigned int connections();
};

// A port of 127.0.0.1 where nobody listens, as long as this lives.
class ClosedPort {
	int fd_;
	uint16_t port_;

      public:
	ClosedPort();
	~ClosedPort();
	std::string url(const std::string &target) const { return "http://127.0.0.1:" + std::to_string(port_) + target; }
};

std::string http_bytes(size_t size, unsigned int key = 0); // that do not repeat
// Whole answers; fields are lines that end in "\r\n".
std::string http_head(const std::string &status, uint64_t length, const std::string &fields = "");
std::string http_whole(const std::string &body, const std::string &fields = "");
// As a server does it that knows ranges: 206 of what was asked for, 416, or 200 where If-Range is another etag.
std::string http_right(const HttpRequest &request, const std::string &body, const std::string &etag = "\"1\"");
