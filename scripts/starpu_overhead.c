/* Empty tasks in StarPU, in the shapes of Windtunnel's overhead bench: 100 000 tasks, from the
 * first submission to the last completion, median of 11 runs.
 *
 * Usage: starpu_overhead SCHEDULER edges|objects SHAPE; the scheduler is STARPU_SCHED's. */

#include <starpu.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TASKS = 100000, RUNS = 11, WIDTH = 316, NEAR = 100, WORKERS = 2 };

static void nothing(void *buffers[], void *argument)
{
    (void)buffers;
    (void)argument;
}

static struct starpu_codelet codelet = {
    .cpu_funcs = {nothing},
    .nbuffers = STARPU_VARIABLE_NBUFFERS,
    .name = "empty",
};

static int64_t now_ns(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static uint64_t state;

static uint32_t below(uint32_t end)
{
    state = state * UINT64_C(6364136223846793005) + 1;
    return end ? (uint32_t)((state >> 33) % end) : 0;
}

/* The tasks that one comes after; how many. */
static int before(const char *shape, uint32_t task, uint32_t out[2])
{
    int count = 0;
    if (strcmp(shape, "chain") == 0 && task > 0)
        out[count++] = task - 1;
    if (strcmp(shape, "wavefront") == 0) {
        if (task >= WIDTH)
            out[count++] = task - WIDTH;
        if (task % WIDTH > 0)
            out[count++] = task - 1;
    }
    if (strcmp(shape, "random") == 0) {
        uint32_t near = task < NEAR ? task : NEAR;
        for (uint32_t i = 0; i < (near < 2 ? near : 2); i++)
            out[count++] = task - 1 - below(near);
        if (count == 2 && out[0] == out[1])
            count = 1;
    }
    return count;
}

static starpu_data_handle_t handles[TASKS];
static struct starpu_task *tasks[TASKS];
static char memory[TASKS][64];

static int submit_all(const char *shape, int has_objects)
{
    state = 1;
    for (uint32_t at = 0; at < TASKS; at++) {
        uint32_t predecessors[2];
        int count = before(shape, at, predecessors);
        struct starpu_task *task = starpu_task_create();
        task->cl = &codelet;
        if (has_objects) {
            task->nbuffers = count + 1;
            for (int i = 0; i < count; i++) {
                task->handles[i] = handles[predecessors[i]];
                task->modes[i] = STARPU_R;
            }
            task->handles[count] = handles[at];
            task->modes[count] = STARPU_W;
        } else {
            struct starpu_task *after[2];
            for (int i = 0; i < count; i++)
                after[i] = tasks[predecessors[i]];
            /* They must not go away while later ones name them. */
            task->destroy = 0;
            tasks[at] = task;
            if (count > 0)
                starpu_task_declare_deps_array(task, count, after);
        }
        if (starpu_task_submit(task) != 0)
            return 1;
    }
    return 0;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static long median_ns(int64_t *times, int workers)
{
    qsort(times, RUNS, sizeof *times, by_size);
    return (long)(times[RUNS / 2] * workers / TASKS);
}

int main(int count, char **arguments)
{
    if (count != 4 || starpu_init(NULL) != 0)
        return 1;
    int has_objects = strcmp(arguments[2], "objects") == 0;
    int64_t submit_ns[RUNS], all_ns[RUNS], cpu_ns[RUNS];
    for (int run = 0; run < RUNS; run++) {
        int64_t begun = now_ns(CLOCK_MONOTONIC), cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID);
        if (has_objects)
            for (uint32_t at = 0; at < TASKS; at++)
                starpu_vector_data_register(&handles[at], STARPU_MAIN_RAM,
                                            (uintptr_t)memory[at], 64, 1);
        if (submit_all(arguments[3], has_objects) != 0)
            return 1;
        submit_ns[run] = now_ns(CLOCK_MONOTONIC) - begun;
        starpu_task_wait_for_all();
        all_ns[run] = now_ns(CLOCK_MONOTONIC) - begun;
        cpu_ns[run] = now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        for (uint32_t at = 0; at < TASKS; at++) {
            if (has_objects)
                starpu_data_unregister(handles[at]);
            else
                starpu_task_destroy(tasks[at]);
        }
    }
    printf("%-10s %-8s %-12s %7ld  %10ld  %10ld\n", arguments[1], arguments[2], arguments[3],
           median_ns(submit_ns, WORKERS), median_ns(all_ns, WORKERS), median_ns(cpu_ns, 1));
    starpu_shutdown();
    return 0;
}
