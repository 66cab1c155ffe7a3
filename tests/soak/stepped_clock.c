/* A wall clock that a test steps: preloaded into a process and into all that it starts.
 *
 * STEPPED_CLOCK names a file: a count, and so many pairs of nanoseconds (since when, offset), in order.
 * What asks for the time of day gets it with the last offset. Waits until a time of day are translated.
 * The time of a file is shown as the clock said when it was written. Monotonic clocks are left alone, as a
 * step of the real clock leaves them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL
#define MOST 1024
/* A deadline before this is not one of the time of day, but of a monotonic clock. */
#define TIME_OF_DAY 1000000000LL

struct steps {
    int64_t count;
    struct { int64_t since, offset; } step[MOST];
};

static const volatile struct steps *steps;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("STEPPED_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *found = mmap(NULL, sizeof(struct steps), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (found != MAP_FAILED)
        steps = found;
}

static int64_t offset_at(int64_t moment) {
    if (!steps)
        return 0;
    for (int64_t i = steps->count - 1; i >= 0; i--)
        if (steps->step[i].since <= moment)
            return steps->step[i].offset;
    return 0;
}

static int64_t offset(void) { return offset_at(INT64_MAX); }

static void move(struct timespec *time, int64_t by) {
    int64_t all = time->tv_sec * SECOND + time->tv_nsec + by;
    time->tv_sec = all / SECOND;
    time->tv_nsec = all % SECOND;
}

#define REAL(name) \
    static typeof(&name) real; \
    if (!real) real = (typeof(&name))dlsym(RTLD_NEXT, #name)

/* Of the wait on a condition, an unversioned lookup may find the one of 2002. */
#define REAL_OF(name, version) \
    static typeof(&name) real; \
    if (!real) real = (typeof(&name))dlvsym(RTLD_NEXT, #name, version); \
    if (!real) real = (typeof(&name))dlsym(RTLD_NEXT, #name)

int clock_gettime(clockid_t clock, struct timespec *time) {
    REAL(clock_gettime);
    int done = real(clock, time);
    if (done == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        move(time, offset());
    return done;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    time->tv_sec = now.tv_sec;
    time->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *told) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (told)
        *told = now.tv_sec;
    return now.tv_sec;
}

static struct timespec really(const struct timespec *deadline) {
    struct timespec moved = *deadline;
    if (moved.tv_sec > TIME_OF_DAY)
        move(&moved, -offset());
    return moved;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *wanted, struct timespec *left) {
    REAL(clock_nanosleep);
    struct timespec until = flags & TIMER_ABSTIME ? really(wanted) : *wanted;
    return real(clock, flags, &until, left);
}

int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *deadline) {
    REAL_OF(pthread_cond_timedwait, "GLIBC_2.3.2");
    struct timespec until = really(deadline);
    return real(c, m, &until);
}

int pthread_cond_clockwait(pthread_cond_t *c, pthread_mutex_t *m, clockid_t k, const struct timespec *deadline) {
    REAL(pthread_cond_clockwait);
    struct timespec until = really(deadline);
    return real(c, m, k, &until);
}

int pthread_mutex_timedlock(pthread_mutex_t *m, const struct timespec *deadline) {
    REAL(pthread_mutex_timedlock);
    struct timespec until = really(deadline);
    return real(m, &until);
}

int sem_timedwait(sem_t *s, const struct timespec *deadline) {
    REAL_OF(sem_timedwait, "GLIBC_2.34");
    struct timespec until = really(deadline);
    return real(s, &until);
}

static int shown(int done, struct stat *about) {
    if (done == 0) {
        struct timespec *times[] = {&about->st_mtim, &about->st_ctim, &about->st_atim};
        for (int i = 0; i < 3; i++)
            move(times[i], offset_at(times[i]->tv_sec * SECOND + times[i]->tv_nsec));
    }
    return done;
}

int stat(const char *restrict path, struct stat *restrict about) {
    REAL(stat);
    return shown(real(path, about), about);
}

int lstat(const char *restrict path, struct stat *restrict about) {
    REAL(lstat);
    return shown(real(path, about), about);
}

int fstat(int file, struct stat *about) {
    REAL(fstat);
    return shown(real(file, about), about);
}

int fstatat(int folder, const char *restrict path, struct stat *restrict about, int flags) {
    REAL(fstatat);
    return shown(real(folder, path, about, flags), about);
}

int stat64(const char *restrict path, struct stat64 *restrict about) { return stat(path, (struct stat *)about); }
int lstat64(const char *restrict path, struct stat64 *restrict about) { return lstat(path, (struct stat *)about); }
int fstat64(int file, struct stat64 *about) { return fstat(file, (struct stat *)about); }
int fstatat64(int folder, const char *restrict path, struct stat64 *restrict about, int flags) {
    return fstatat(folder, path, (struct stat *)about, flags);
}

/* Who is started with an environment of its own has this clock too. Nothing is allocated: it may be
 * the child of a vfork. */
int execve(const char *path, char *const arguments[], char *const environment[]) {
    REAL(execve);
    static char preload[4096 + 16], where[4096 + 16];
    const char *ours = getenv("LD_PRELOAD"), *file = getenv("STEPPED_CLOCK");
    size_t count = 0;
    int has = 0;
    for (; environment && environment[count]; count++)
        has |= strncmp(environment[count], "LD_PRELOAD=", 11) == 0;
    if (has || !ours || !file || strlen(ours) > 4096 || strlen(file) > 4096)
        return real(path, arguments, environment);
    strcpy(stpcpy(preload, "LD_PRELOAD="), ours);
    strcpy(stpcpy(where, "STEPPED_CLOCK="), file);
    char *widened[count + 3];
    for (size_t i = 0; i < count; i++)
        widened[i] = environment[i];
    widened[count] = preload;
    widened[count + 1] = where;
    widened[count + 2] = NULL;
    return real(path, arguments, widened);
}
