/* The clients: sends one request over and over, checks every answer, measures. One thread.
 *
 *   load --port P [--path PATH] [--header 'K: V']... --body TEXT [--stream] [--pid PID]...
 *        --conns N             closed loop: N requests are always under way, or
 *        --rate R              open loop: R a second at random moments, the same in every run;
 *                              times count from when a request was due, so a stall shows
 *        --warmup S --seconds S   what is measured; or --requests N: stop after so many
 *        --abandon N           every Nth client leaves at the first byte of its answer
 *
 * Prints one object of JSON. Good is only status 200 with the whole of its body, which ends in
 * usage or in [DONE]. CPU time is that of all threads of the --pid processes.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 8000, ROOM = 1 << 17, SAMPLES = 1 << 21 };

struct conn {
    int fd, busy, chunked, closes, status, leaves;
    char *in;
    size_t used, head, at, whole; /* bytes read; end of the head; next chunk; length of the body */
    int64_t due, first;
};
struct samples { uint32_t us10[SAMPLES]; size_t n; }; /* in tenths of a microsecond */

static struct conn *conns, *idle[MOST];
static int n_conns, n_idle, n_pids, pids[256], stream, port, poll_fd;
static long limit, abandon, begun, good, bad, left_early, events;
static double rate, seconds = 3, warmup = 0.5;
static int64_t from, until;
static char *request, problem[300];
static struct samples took, first_took;

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static double cpu_seconds(void) {
    double total = 0;
    for (int i = 0; i < n_pids; i++) {
        char path[300];
        struct dirent *task;
        snprintf(path, sizeof path, "/proc/%d/task", pids[i]);
        DIR *tasks = opendir(path);
        while (tasks && (task = readdir(tasks))) {
            unsigned long long ns = 0;
            if (*task->d_name == '.') continue;
            snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", pids[i], task->d_name);
            FILE *file = fopen(path, "r");
            if (!file) continue;
            if (fscanf(file, "%llu", &ns) == 1) total += ns / 1e9;
            fclose(file);
        }
        if (tasks) closedir(tasks);
    }
    return total;
}

static void sample(struct samples *to, int64_t ns) {
    if (to->n < SAMPLES) to->us10[to->n++] = ns / 100 < UINT32_MAX ? ns / 100 : UINT32_MAX;
}

static int compare(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double percentile(struct samples *of, double part) {
    qsort(of->us10, of->n, sizeof *of->us10, compare);
    return of->n ? of->us10[(size_t)(part * (of->n - 1))] / 10.0 : 0;
}

static void send_request(struct conn *c, int64_t due);

static void hang_up(struct conn *c) {
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
}

/* One request is over: `why` is NULL if it went well. */
static void finish(struct conn *c, const char *why) {
    int64_t t = now_ns();
    int measured = limit || (t >= from && t < until);
    if (why && strcmp(why, "left")) {
        if (measured) bad++;
        snprintf(problem, sizeof problem, "%s, status %d: %.160s", why, c->status, c->used ? c->in : "");
        for (char *p = problem; *p; p++) if (*p < ' ' || *p == '"' || *p == '\\') *p = ' ';
    } else if (why) left_early++;
    else if (measured) {
        good++;
        sample(&took, t - c->due);
        sample(&first_took, c->first - c->due);
        for (char *p = c->in + c->head, *end = p + c->whole; stream && (p = memmem(p, end - p, "data:", 5)); p++) events++;
    }
    if (c->closes || (why && strcmp(why, "refused"))) hang_up(c);
    c->busy = 0;
    if (rate > 0) idle[n_idle++] = c;
    else if (limit ? begun < limit : t < until) send_request(c, t);
}

static void dial(struct conn *c) {
    int yes = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (void *)&at, sizeof at)) { perror("load: connect"); exit(1); }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, c->fd, &e);
}

static void send_request(struct conn *c, int64_t due) {
    size_t size = strlen(request);
    c->used = c->head = c->at = c->whole = c->status = c->closes = 0;
    c->first = 0;
    c->due = due;
    c->busy = 1;
    c->leaves = abandon && ++begun % abandon == 0;
    begun += !abandon;
    if (c->fd < 0) dial(c);
    if (write(c->fd, request, size) != (ssize_t)size) { hang_up(c); dial(c); if (write(c->fd, request, size) < 0) exit(1); }
}

static int read_head(struct conn *c) {
    char *end = memmem(c->in, c->used, "\r\n\r\n", 4), *length;
    if (!end) return 0;
    c->head = c->at = end + 4 - c->in;
    *end = 0;
    c->status = atoi(c->in + 9);
    c->chunked = strcasestr(c->in, "\ntransfer-encoding: chunked") != NULL;
    c->closes = strcasestr(c->in, "\nconnection: close") != NULL;
    length = strcasestr(c->in, "\ncontent-length:");
    c->whole = c->chunked || !length ? 0 : atol(length + 16);
    *end = '\r';
    return 1;
}

/* Moves the chunks that have come together, so that the body lies in one piece; 1 at the last. */
static int join_chunks(struct conn *c) {
    for (;;) {
        char *line = memchr(c->in + c->at, '\n', c->used - c->at);
        if (!line) return 0;
        size_t size = strtoul(c->in + c->at, NULL, 16), data = line + 1 - c->in;
        if (c->used < data + size + 2) return 0;
        memmove(c->in + c->head + c->whole, c->in + data, size);
        c->whole += size;
        c->at = data + size + 2;
        if (!size) return 1;
    }
}

static void look(struct conn *c) {
    if (!c->head && !read_head(c)) return;
    if (c->chunked ? !join_chunks(c) : c->used < c->head + c->whole) {
        if (!c->first && (c->whole && (!c->chunked || c->at > c->head))) c->first = now_ns();
        if (c->first && c->leaves) finish(c, "left");
        return;
    }
    if (!c->first) c->first = now_ns();
    size_t tail = c->whole < 200 ? c->whole : 200;
    const char *last = stream && c->chunked ? "[DONE]" : "\"total_tokens\":170";
    int whole = memmem(c->in + c->head + c->whole - tail, tail, last, strlen(last)) != NULL;
    finish(c, c->status != 200 ? "refused" : whole ? NULL : "a body that is not whole");
}

static void receive(struct conn *c) {
    ssize_t got = read(c->fd, c->in + c->used, ROOM - 1 - c->used);
    if (got <= 0) {
        if (c->busy) finish(c, "cut");
        else hang_up(c);
        return;
    }
    c->used += got;
    c->in[c->used] = 0;
    if (c->used >= ROOM - 1) finish(c, "too long an answer");
    else if (c->busy) look(c);
}

/* Sends what is due, and says when the next one will be. */
static int64_t send_due(int64_t next) {
    static uint64_t seed = 88172645463325252ULL;
    while (next <= now_ns() && next < until) {
        if (!n_idle) { fprintf(stderr, "load: over %d requests under way\n", MOST); exit(1); }
        send_request(idle[--n_idle], next);
        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
        next += -log(((seed >> 11) + 1) / 9007199254740993.0) / rate * 1e9;
    }
    return next;
}

static double run(void) {
    struct epoll_event ready[256];
    int64_t next = now_ns(), t;
    double before = -1;
    from = next + warmup * 1e9;
    until = limit ? INT64_MAX : from + (int64_t)(seconds * 1e9);
    for (int i = 0; i < n_conns; i++) {
        if (rate > 0) idle[n_idle++] = &conns[i];
        else send_request(&conns[i], next);
    }
    while ((t = now_ns()) < until && (!limit || good + bad + left_early < limit)) {
        if (before < 0 && t >= from) before = cpu_seconds();
        if (rate > 0) next = send_due(next);
        int64_t wait = (rate > 0 && next < until ? next : t + 50000000) - now_ns();
        struct timespec pause = {0, wait < 0 ? 0 : wait % 1000000000};
        int n = epoll_pwait2(poll_fd, ready, 256, &pause, NULL);
        for (int i = 0; i < n; i++) receive(ready[i].data.ptr);
    }
    return cpu_seconds() - before;
}

static void read_options(int argc, char **argv) {
    static struct option names[] = {
        {"port", 1, 0, 'p'}, {"path", 1, 0, 'u'}, {"header", 1, 0, 'h'}, {"body", 1, 0, 'b'}, {"stream", 0, 0, 's'},
        {"pid", 1, 0, 'i'}, {"conns", 1, 0, 'c'}, {"rate", 1, 0, 'r'}, {"warmup", 1, 0, 'w'}, {"seconds", 1, 0, 't'},
        {"requests", 1, 0, 'n'}, {"abandon", 1, 0, 'a'}, {0}};
    const char *path = "/v1/chat/completions", *body = "{}";
    char headers[4096] = "";
    for (int o; (o = getopt_long(argc, argv, "", names, NULL)) != -1;) switch (o) {
        case 'p': port = atoi(optarg); break;
        case 'u': path = optarg; break;
        case 'h': strncat(strncat(headers, optarg, 1000), "\r\n", 3); break;
        case 'b': body = optarg; break;
        case 's': stream = 1; break;
        case 'i': if (n_pids < 256) pids[n_pids++] = atoi(optarg); break;
        case 'c': n_conns = atoi(optarg); break;
        case 'r': rate = atof(optarg); break;
        case 'w': warmup = atof(optarg); break;
        case 't': seconds = atof(optarg); break;
        case 'n': limit = atol(optarg); warmup = 0; break;
        case 'a': abandon = atol(optarg); break;
        default: exit(2);
    }
    if (rate > 0 || n_conns > MOST) n_conns = MOST;
    const char *key = strcasestr(headers, "authorization:") ? "" : "Authorization: Bearer sk-bench\r\n";
    if (asprintf(&request, "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\n"
                 "%sAccept: */*\r\n%sContent-Length: %zu\r\n\r\n%s",
                 path, port, key, headers, strlen(body), body) < 0) exit(1);
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    read_options(argc, argv);
    poll_fd = epoll_create1(0);
    conns = calloc(n_conns, sizeof *conns);
    for (int i = 0; i < n_conns; i++) conns[i] = (struct conn){.fd = -1, .in = malloc(ROOM)};
    double cpu = run();
    long all = good ? good : 1;
    printf("{\"good\":%ld,\"bad\":%ld,\"left\":%ld,\"cpu_us\":%.3f,\"p50_us\":%.1f,\"p99_us\":%.1f,"
           "\"first_p50_us\":%.1f,\"first_p99_us\":%.1f,\"events\":%.2f,\"problem\":\"%s\"}\n",
           good, bad, left_early, cpu * 1e6 / all, percentile(&took, 0.5), percentile(&took, 0.99),
           percentile(&first_took, 0.5), percentile(&first_took, 0.99), (double)events / all, problem);
}
