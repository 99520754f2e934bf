/* The mock provider: speaks like OpenAI and costs next to nothing. One thread.
 *
 *   upstream PORT
 *
 * POST anything  a completion in JSON, or as server-sent events if the body says "stream":true;
 *                each event is an HTTP chunk and a write of its own.
 * GET /set?latency_us=0&gap_us=5000&events=51&bytes=1200&fault_every=0
 *                what to do from now on; what is left out stays. With fault_every=N every Nth
 *                request goes wrong, each time in another way.
 * GET /stats     {"requests":N,"streams":N,"open":N}
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct client {
    int fd, left, fault; /* left: events still to be sent; -1 for an answer in JSON */
    char *in;
    size_t used, room;
    int64_t due;
    struct client *before, *after; /* in a queue while it waits, else NULL */
};
struct text { char bytes[65536]; int size; };

/* Everybody waits equally long, so a queue is sorted by itself. */
static struct client after_latency, after_gap;
static long latency_us, gap_us = 5000, events = 51, bytes = 1200, fault_every;
static long requests, streams, open_clients;
static struct text completion, first_event, event, last_event;

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void add(struct text *to, const char *format, ...) {
    va_list args;
    va_start(args, format);
    to->size += vsnprintf(to->bytes + to->size, sizeof to->bytes - to->size, format, args);
    va_end(args);
}

static void add_event(struct text *to, const char *delta, const char *reason) {
    char json[512];
    int size = snprintf(json, sizeof json, "data: {\"id\":\"chatcmpl-mock00000000000000000\","
        "\"object\":\"chat.completion.chunk\",\"created\":1760000000,\"model\":\"gpt-4o-mini\","
        "\"service_tier\":\"default\",\"system_fingerprint\":\"fp_mock\",\"choices\":[{\"index\":0,"
        "\"delta\":{%s},\"logprobs\":null,\"finish_reason\":%s}]}\n\n", delta, reason);
    add(to, "%x\r\n%s\r\n", size, json);
}

static void prepare(void) {
    static char words[60000], json[61000];
    int filler = bytes < 440 ? 1 : bytes > 50000 ? 50000 : bytes - 440;
    for (int i = 0; i < filler; i++) words[i] = "one gateway for all models "[i % 27];
    words[filler] = 0;
    int size = snprintf(json, sizeof json, "{\"id\":\"chatcmpl-mock00000000000000000\","
        "\"object\":\"chat.completion\",\"created\":1760000000,\"model\":\"gpt-4o-mini\",\"choices\":"
        "[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"%s\",\"refusal\":null},"
        "\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":42,"
        "\"completion_tokens\":128,\"total_tokens\":170},\"service_tier\":\"default\","
        "\"system_fingerprint\":\"fp_mock\"}", words);
    completion.size = first_event.size = event.size = last_event.size = 0;
    add(&completion, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-request-id: req_mock\r\n"
        "Content-Length: %d\r\n\r\n%s", size, json);
    add(&first_event, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
        "Cache-Control: no-cache\r\nx-request-id: req_mock\r\nTransfer-Encoding: chunked\r\n\r\n");
    add_event(&first_event, "\"role\":\"assistant\",\"content\":\"\"", "null");
    add_event(&event, "\"content\":\" gateway\"", "null");
    add_event(&last_event, "", "\"stop\"");
    add(&last_event, "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n");
}

static void unqueue(struct client *c) {
    if (!c->after) return;
    c->before->after = c->after;
    c->after->before = c->before;
    c->before = c->after = NULL;
}

static void enqueue(struct client *c, struct client *queue, long delay_us) {
    c->due = now_ns() + delay_us * 1000;
    c->before = queue->before;
    c->after = queue;
    c->before->after = queue->before = c;
}

static void hang_up(struct client *c) {
    unqueue(c);
    close(c->fd);
    c->fd = -1; /* freed by whoever read from it, or with the process */
    open_clients--;
}

/* Answers are smaller than a socket's buffer: a short write means a client that does not read. */
static void say(struct client *c, const char *what, int size) {
    if (c->fd >= 0 && write(c->fd, what, size) != size) hang_up(c);
}

static void say_whole(struct client *c, const char *status, const char *body) {
    char answer[512];
    say(c, answer, snprintf(answer, sizeof answer, "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
                            "Content-Length: %zu\r\n\r\n%s", status, strlen(body), body));
}

static void go_wrong(struct client *c) {
    int kind = c->fault % (c->left < 0 ? 5 : 2);
    if (kind == 0) say_whole(c, "500 Internal Server Error", "{\"error\":{\"message\":\"It failed\"}}");
    else if (kind == 1 && c->left < 0) say_whole(c, "429 Too Many Requests", "{\"error\":{\"message\":\"Wait\"}}");
    else if (kind == 2) say_whole(c, "200 OK", "<html>Oops!</html>");
    else {
        if (kind == 1) say(c, first_event.bytes, first_event.size);
        if (kind == 3) say(c, completion.bytes, completion.size / 2);
        if (c->fd >= 0) hang_up(c);
    }
}

/* The wait is over: sends the answer, or the next event and waits again. */
static void proceed(struct client *c) {
    unqueue(c);
    if (c->fault) { go_wrong(c); return; }
    if (c->left < 0) { say(c, completion.bytes, completion.size); return; }
    while (c->left && c->fd >= 0) {
        struct text *t = c->left == 1 ? &last_event : c->left == events ? &first_event : &event;
        say(c, t->bytes, t->size);
        c->left--;
        if (c->left && gap_us && c->fd >= 0) { enqueue(c, &after_gap, gap_us); return; }
    }
}

static void read_setting(const char *line, const char *name, long *value) {
    const char *found = strstr(line, name);
    if (found) *value = atol(found + strlen(name));
}

static void administer(struct client *c, char *line) {
    char json[160];
    *strchrnul(line, '\r') = 0;
    read_setting(line, "latency_us=", &latency_us);
    read_setting(line, "gap_us=", &gap_us);
    read_setting(line, "events=", &events);
    read_setting(line, "bytes=", &bytes);
    read_setting(line, "fault_every=", &fault_every);
    prepare();
    snprintf(json, sizeof json, "{\"requests\":%ld,\"streams\":%ld,\"open\":%ld}",
             requests, streams, open_clients);
    say_whole(c, "200 OK", json);
}

/* Begins to answer the request in `in` once it is whole; a request ends where the bytes end. */
static void look(struct client *c) {
    char *body = memmem(c->in, c->used, "\r\n\r\n", 4), *length;
    if (!body) return;
    if (c->after) { hang_up(c); return; } /* a second request before the first is answered */
    body += 4;
    length = strcasestr(c->in, "\ncontent-length:");
    if (length && length < body && c->in + c->used - body < atol(length + 16)) return;
    if (strncmp(c->in, "GET ", 4)) {
        size_t size = c->in + c->used - body;
        int stream = memmem(body, size, "\"stream\":true", 13) || memmem(body, size, "\"stream\": true", 14);
        streams += stream;
        requests++;
        c->left = stream ? events : -1;
        c->fault = fault_every && requests % fault_every == 0 ? requests / fault_every : 0;
        if (latency_us) enqueue(c, &after_latency, latency_us);
        else proceed(c);
    } else administer(c, c->in);
    c->used = 0;
}

static void receive(struct client *c) {
    if (c->room - c->used < 16384) c->in = realloc(c->in, c->room = c->room * 2 + 32768);
    ssize_t got = read(c->fd, c->in + c->used, c->room - c->used - 1);
    if (got > 0) {
        c->used += got;
        c->in[c->used] = 0;
        look(c);
    } else if (got == 0 || errno != EAGAIN) hang_up(c);
    if (c->fd < 0) { free(c->in); free(c); }
}

static void accept_all(int listener, int poll) {
    int fd, yes = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct client *c = calloc(1, sizeof *c);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
        c->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e);
        open_clients++;
    }
}

static int64_t next_due(struct client *queue) {
    return queue->after == queue ? INT64_MAX : queue->after->due;
}

static void serve(int listener, int poll) {
    struct epoll_event ready[256];
    for (;;) {
        while (next_due(&after_latency) <= now_ns()) proceed(after_latency.after);
        while (next_due(&after_gap) <= now_ns()) proceed(after_gap.after);
        int64_t a = next_due(&after_latency), b = next_due(&after_gap), due = a < b ? a : b;
        int64_t wait = due - now_ns();
        if (wait < 0) wait = 0;
        struct timespec t = {wait / 1000000000, wait % 1000000000};
        int n = epoll_pwait2(poll, ready, 256, due == INT64_MAX ? NULL : &t, NULL);
        for (int i = 0; i < n; i++) {
            if (ready[i].data.ptr) receive(ready[i].data.ptr);
            else accept_all(listener, poll);
        }
    }
}

int main(int argc, char **argv) {
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), poll = epoll_create1(0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
    at.sin_port = htons(argc > 1 ? atoi(argv[1]) : 9100);
    after_latency.before = after_latency.after = &after_latency;
    after_gap.before = after_gap.after = &after_gap;
    signal(SIGPIPE, SIG_IGN);
    prepare();
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (void *)&at, sizeof at) || listen(listener, 4096)) { perror("upstream"); return 1; }
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &e);
    puts("ready");
    fflush(stdout);
    serve(listener, poll);
}
