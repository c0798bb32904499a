// SPDX-License-Identifier: BSD-3-Clause
// A web server of this process whose answers a test writes.
#include "http_server.h"

#include <algorithm>
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

int bind_loopback(uint16_t *port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	sockaddr_in address = {};
	socklen_t length = sizeof(address);

	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	EXPECT_EQ(0, bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)));
	EXPECT_EQ(0, getsockname(fd, reinterpret_cast<sockaddr *>(&address), &length));
	*port = ntohs(address.sin_port);
	return fd;
}

std::string lower(std::string text)
{
	std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
	return text;
}

} // namespace

std::string HttpRequest::field(const std::string &name) const
{
	auto found = fields.find(name);
	return found == fields.end() ? "" : found->second;
}

uint64_t HttpRequest::first() const
{
	return ranged() ? std::stoull(field("range").substr(strlen("bytes="))) : 0;
}

uint64_t HttpRequest::last() const
{
	std::string range = field("range"), text = range.substr(std::min(range.size(), range.find('-') + 1));
	return ranged() && !text.empty() ? std::stoull(text) : UINT64_MAX;
}

bool HttpConnection::read_request(HttpRequest *request)
{
	size_t end;

	while ((end = rest_.find("\r\n\r\n")) == std::string::npos) {
		char bytes[4096];
		ssize_t n = recv(fd_, bytes, sizeof(bytes), 0);
		if (n <= 0)
			return false;
		rest_.append(bytes, static_cast<size_t>(n));
	}
	size_t line = rest_.find("\r\n"), name = rest_.find(' ') + 1;
	request->target = rest_.substr(name, rest_.find(' ', name) - name);
	while (line < end) {
		size_t next = rest_.find("\r\n", line + 2), colon = rest_.find(": ", line);
		request->fields[lower(rest_.substr(line + 2, colon - line - 2))] = rest_.substr(colon + 2, next - colon - 2);
		line = next;
	}
	rest_.erase(0, end + 4);
	return true;
}

void HttpConnection::send(const std::string &bytes)
{
	for (size_t sent = 0; sent < bytes.size();) {
		ssize_t n = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		sent += static_cast<size_t>(n);
	}
}

void HttpConnection::reset()
{
	linger hard = {1, 0};

	for (int tries = 0, queued = 1; queued && tries < 5000; tries++) {
		if (ioctl(fd_, SIOCOUTQ, &queued))
			break;
		if (queued)
			usleep(1000);
	}
	setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
}

void HttpConnection::wait_for_end()
{
	pollfd one = {fd_, POLLRDHUP, 0};
	poll(&one, 1, 20'000);
}

HttpServer::HttpServer(HttpScript script) : script_(std::move(script)), listener_(bind_loopback(&port_))
{
	EXPECT_EQ(0, listen(listener_, 256));
	accepter_ = std::thread([this] { accept_all(); });
}

HttpServer::~HttpServer()
{
	shutdown(listener_, SHUT_RDWR);
	accepter_.join();
	{
		std::lock_guard<std::mutex> guard(lock_);
		for (int fd : sockets_)
			if (fd >= 0)
				shutdown(fd, SHUT_RDWR);
	}
	for (auto &thread : threads_)
		thread.join();
	close(listener_);
}

void HttpServer::accept_all()
{
	for (int fd; (fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
		int one = 1;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		std::lock_guard<std::mutex> guard(lock_);
		auto number = static_cast<unsigned int>(sockets_.size());
		sockets_.push_back(fd);
		threads_.emplace_back([this, fd, number] { serve(fd, number); });
	}
}

void HttpServer::serve(int fd, unsigned int number)
{
	HttpConnection connection(fd);

	for (;;) {
		HttpRequest request = {};
		if (!connection.read_request(&request))
			break;
		{
			std::lock_guard<std::mutex> guard(lock_);
			request.number = static_cast<unsigned int>(requests_.size());
			request.connection = number;
			requests_.push_back(request);
		}
		if (!script_(connection, request))
			break;
	}
	std::lock_guard<std::mutex> guard(lock_);
	sockets_[number] = -1;
	close(fd);
}

std::vector<HttpRequest> HttpServer::requests()
{
	std::lock_guard<std::mutex> guard(lock_);
	return requests_;
}

unsigned int HttpServer::connections()
{
	std::lock_guard<std::mutex> guard(lock_);
	return static_cast<unsigned int>(sockets_.size());
}

ClosedPort::ClosedPort() : fd_(bind_loopback(&port_)) {}
ClosedPort::~ClosedPort() { close(fd_); }

std::string http_bytes(size_t size, unsigned int key)
{
	std::string bytes(size, '\0');
	uint64_t word = key * 0x9e3779b97f4a7c15 + 1;

	for (auto &byte : bytes) {
		word ^= word << 13;
		word ^= word >> 7;
		word ^= word << 17;
		byte = static_cast<char>(word);
	}
	return bytes;
}

std::string http_head(const std::string &status, uint64_t length, const std::string &fields)
{
	return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(length) + "\r\n" + fields + "\r\n";
}

std::string http_whole(const std::string &body, const std::string &fields)
{
	return http_head("200 OK", body.size(), fields) + body;
}

std::string http_right(const HttpRequest &request, const std::string &body, const std::string &etag)
{
	std::string fields = "ETag: " + etag + "\r\n", condition = request.field("if-range");
	uint64_t end = std::min<uint64_t>(request.last(), body.size() - 1) + 1, first = request.first();

	if (!request.ranged() || (!condition.empty() && condition != etag))
		return http_whole(body, fields);
	if (first >= body.size())
		return http_head("416 Range Not Satisfiable", 0, "Content-Range: bytes */" + std::to_string(body.size()) + "\r\n");
	fields += "Content-Range: bytes " + std::to_string(first) + "-" + std::to_string(end - 1) + "/" + std::to_string(body.size()) + "\r\n";
	return http_head("206 Partial Content", end - first, fields) + body.substr(first, end - first);
}
