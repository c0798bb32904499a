# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Objects to be fetched, and web servers that serve them: nginx, lighttpd, Python's and one with faults. Sourced; needs `on`.

http_here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
http_dir=$(mktemp -d "${TMPDIR:-/tmp}/devmem-http.XXXXXX") # of configurations and logs
http_servers=()

stop_servers() {
	local pid
	for pid in "${http_servers[@]}"; do
		kill "$pid" 2>/dev/null || :
	done
	wait "${http_servers[@]}" 2>/dev/null || :
	http_servers=()
}
http_end() {
	stop_servers
	rm -rf "$http_dir"
}
trap http_end EXIT

# object_sizes LARGEST TOTAL: those around the edges of pages and segments, then sizes from LARGEST down to a 64th of it until TOTAL is reached.
object_sizes() {
	local largest=$1 left=$2 size n=0
	for size in 0 1 2 4095 4096 4097 100000 1048579; do
		[ "$size" -gt "$largest" ] || [ "$size" -gt "$left" ] || { echo "$size"; left=$((left - size)); }
	done
	while [ "$left" -gt 0 ]; do
		size=$(((largest >> n % 7) - n % 7))
		[ "$size" -gt 0 ] && [ "$size" -le "$left" ] || size=$left
		echo "$size"
		left=$((left - size)) n=$((n + 1))
	done
}

# http_bytes SIZE KEY FILE: bytes that do not repeat, the same every time, others for each KEY. From a file, since a pipe would cost the guest most of the time.
http_bytes() {
	rm -f "$http_dir/zeros"
	truncate -s "$1" "$http_dir/zeros" || return
	openssl enc -aes-128-ctr -K "$(printf %032x "$2")" -iv 0 -nosalt -bufsize 1048576 -in "$http_dir/zeros" -out "$3" 2>"$http_dir/openssl" && return
	cat "$http_dir/openssl" >&2
	return 1
}

# make_sizes DIR: an object for each line of stdin, named by its place and size. DIR/index lists them, DIR/sums is as sha256sum writes it.
make_sizes() {
	local size name n=0
	mkdir -p "$1" && : >"$1/index" || return
	while read -r size; do
		name=$(printf %04d-%d "$n" "$size")
		n=$((n + 1))
		http_bytes "$size" "$n" "$1/$name" || return
		echo "$name" >>"$1/index"
	done
	(cd "$1" && xargs -r sha256sum <index >sums)
}

# make_objects DIR LARGEST TOTAL
make_objects() { object_sizes "$2" "$3" | make_sizes "$1"; }

# origin_of HOST PORT: where its servers are.
origin_of() { echo "http://10.0.0.$((${1#host} + 1)):$2"; }

http_listens() { on "$1" ss -Htln "sport = :$2" | grep -q .; }

# await_server HOST PORT PID LOG: until it listens; its log is shown when it does not.
await_server() {
	local try
	for try in $(seq 1500); do
		! http_listens "$1" "$2" || return 0
		kill -0 "$3" 2>/dev/null || break
		sleep 0.02
	done
	echo "http_lib: no server on $1, port $2 (tried $try times): $(cat "$4")" >&2
	return 1
}

# serve_with HOST PORT COMMAND...: a server that stays in the foreground; its output is in $http_log.
serve_with() {
	local host=$1 port=$2
	shift 2
	http_log=$http_dir/$port.log
	on "$host" "$@" </dev/null >>"$http_log" 2>&1 &
	http_servers+=($!)
	await_server "$host" "$port" $! "$http_log"
}

nginx_config() {	# DIR PORT
	cat <<TEXT
user root;
daemon off;
worker_processes 1;
pid $http_dir/nginx.$2.pid;
error_log $http_dir/$2.log;
events { worker_connections 1024; }
http {
	access_log off;
	client_body_temp_path $http_dir/body;
	proxy_temp_path $http_dir/proxy;
	fastcgi_temp_path $http_dir/fastcgi;
	uwsgi_temp_path $http_dir/uwsgi;
	scgi_temp_path $http_dir/scgi;
	default_type application/octet-stream;
	sendfile on;
	sendfile_max_chunk 1m;
	tcp_nopush on;
	keepalive_timeout 60s;
	keepalive_requests 100000;
	server {
		listen $2;
		listen [::]:$2;
		root $1;
		location /slow/ { alias $1/; limit_rate 1m; }
		location /norange/ { alias $1/; max_ranges 0; }
		location /few/ { alias $1/; keepalive_requests 3; }
		location /redirect/ { rewrite ^/redirect/(.*)$ /\$1 redirect; }
		location /relative/ { absolute_redirect off; rewrite ^/relative/(.*)$ /redirect/\$1 permanent; }
		location /loop/ { return 302 \$request_uri; }
		location /secure/ { return 302 https://\$host\$request_uri; }
		location /broken { return 500; }
	}
}
TEXT
}

# serve_nginx HOST DIR PORT
serve_nginx() {
	nginx_config "$(realpath "$2")" "$3" >"$http_dir/nginx.$3.conf"
	serve_with "$1" "$3" nginx -p "$http_dir" -e "$http_dir/$3.log" -c "$http_dir/nginx.$3.conf"
}

# serve_lighttpd HOST DIR PORT
serve_lighttpd() {
	cat >"$http_dir/lighttpd.$3.conf" <<-TEXT
		server.document-root = "$(realpath "$2")"
		server.port = $3
		server.errorlog = "$http_dir/$3.log"
		server.upload-dirs = ( "$http_dir" )
	TEXT
	serve_with "$1" "$3" lighttpd -D -f "$http_dir/lighttpd.$3.conf"
}

# serve_python HOST DIR PORT: HTTP/1.0, no ranges, a connection for each object.
serve_python() { serve_with "$1" "$3" /usr/bin/python3 -m http.server "$3" --directory "$2"; }

# serve_faults HOST DIR PORT: a line of $http_log for each request.
serve_faults() { serve_with "$1" "$3" /usr/bin/python3 "$http_here/fault_server.py" "$2" "$3"; }
