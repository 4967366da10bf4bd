/* A libnvidia-ml.so.1 without a driver behind it, for pynvml to load.
 *
 * What it answers stands in the text file that $FAKE_NVML_STATE names (its grammar: __init__.py). The file is
 * read again at each call, so a process that is already running sees a GPU get hot, full or lost.
 *
 * Structs and error codes are those of nvml.h; only the functions that mofsim calls are here. Compiled with
 * -DOLDER_DRIVER, it does not export those that came after the first versions of NVML 11.
 */
#include "state.h"

#define MAX_GPUS 16
#define NOT_AVAILABLE (~0ULL)

typedef unsigned int nvmlReturn_t;
enum {
    SUCCESS = 0, UNINITIALIZED = 1, INVALID_ARGUMENT = 2, NOT_SUPPORTED = 3, INSUFFICIENT_SIZE = 7,
    TIMEOUT = 10, FUNCTION_NOT_FOUND = 13, ARGUMENT_VERSION_MISMATCH = 25, UNKNOWN = 999
};

typedef struct nvmlDevice_st { unsigned int index; } *nvmlDevice_t;
typedef struct { unsigned long long total, free, used; } nvmlMemory_t;
typedef struct { unsigned int version; unsigned long long total, reserved, free, used; } nvmlMemory_v2_t;
typedef struct { unsigned int gpu, memory; } nvmlUtilization_t;
typedef struct {
    unsigned int pid;
    unsigned long long usedGpuMemory;
    unsigned int gpuInstanceId, computeInstanceId;
} nvmlProcessInfo_t;

typedef struct {
    nvmlDevice_t device;
    unsigned long long eventType, eventData;
    unsigned int gpuInstanceId, computeInstanceId;
} nvmlEventData_t;

#define XID_CRITICAL_ERROR 8ULL

static const struct { const char *name; nvmlReturn_t code; } ERRORS[] = {
    {"UNINITIALIZED", 1}, {"INVALID_ARGUMENT", 2}, {"NOT_SUPPORTED", 3}, {"NO_PERMISSION", 4}, {"NOT_FOUND", 6},
    {"DRIVER_NOT_LOADED", 9}, {"TIMEOUT", 10}, {"FUNCTION_NOT_FOUND", 13}, {"GPU_IS_LOST", 15},
    {"RESET_REQUIRED", 16}, {"LIB_RM_VERSION_MISMATCH", 18}, {"ARGUMENT_VERSION_MISMATCH", 25},
    {"GPU_NOT_FOUND", 28}, {"UNKNOWN", 999},
};

static struct nvmlDevice_st devices[MAX_GPUS];
static unsigned int sessions;
static unsigned long long driver;  /* the value of `reload` when the sessions were opened */

static const char *gpu_key(nvmlDevice_t device, const char *field)
{
    static _Thread_local char key[LINE];
    snprintf(key, sizeof key, "gpu %u %s", device->index, field);
    return key;
}

static nvmlReturn_t code(const char *name)
{
    for (size_t i = 0; i < sizeof ERRORS / sizeof *ERRORS; i++)
        if (strcmp(ERRORS[i].name, name) == 0)
            return ERRORS[i].code;
    fprintf(stderr, "fake NVML: %s names no error\n", name);
    return UNKNOWN;
}

static nvmlReturn_t ready(void)
{
    return sessions && driver == last_number("reload") ? SUCCESS : UNINITIALIZED;
}

/* Whether the GPU answers when it is asked for `field`. */
static nvmlReturn_t ask(nvmlDevice_t device, const char *field)
{
    char refusal[64];
    value_t error, refused;
    if (ready() != SUCCESS)
        return UNINITIALIZED;
    if (device < devices || device >= devices + MAX_GPUS || device != devices + device->index)
        return INVALID_ARGUMENT;
    error = last(gpu_key(device, "error"));
    if (error.known)
        return code(error.text);
    snprintf(refusal, sizeof refusal, "refuse %s", field);
    refused = last(gpu_key(device, refusal));
    return refused.known ? (*refused.text ? code(refused.text) : NOT_SUPPORTED) : SUCCESS;
}

static nvmlReturn_t text(nvmlDevice_t device, const char *field, char *into, unsigned int length)
{
    nvmlReturn_t status = ask(device, field);
    value_t value;
    if (status != SUCCESS)
        return status;
    value = last(gpu_key(device, field));
    if (!value.known)
        return NOT_SUPPORTED;
    if (strlen(value.text) >= length)
        return INSUFFICIENT_SIZE;
    strcpy(into, value.text);
    return SUCCESS;
}

static unsigned long long number(nvmlDevice_t device, const char *field)
{
    return last_number(gpu_key(device, field));
}

static nvmlReturn_t whole(nvmlDevice_t device, const char *field, unsigned int *into)
{
    nvmlReturn_t status = ask(device, field);
    if (status == SUCCESS)
        *into = (unsigned int)number(device, field);
    return status;
}

nvmlReturn_t nvmlInitWithFlags(unsigned int flags)
{
    value_t error = last("init error");
    (void)flags;
    if (error.known)
        return code(error.text);
    if (ready() != SUCCESS)
        sessions = 0;
    driver = last_number("reload");
    for (unsigned int i = 0; i < MAX_GPUS; i++)
        devices[i].index = i;
    sessions++;
    return SUCCESS;
}

nvmlReturn_t nvmlShutdown(void)
{
    nvmlReturn_t status = ready();
    if (status == SUCCESS)
        sessions--;
    return status;
}

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *count)
{
    *count = (unsigned int)last_number("count");
    return ready();
}

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device)
{
    nvmlReturn_t status;
    if (index >= MAX_GPUS || index >= last_number("count"))
        return INVALID_ARGUMENT;
    status = ask(devices + index, "handle");
    if (status == SUCCESS)
        *device = devices + index;
    return status;
}

nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *uuid, unsigned int length)
{
    return text(device, "uuid", uuid, length);
}

nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *name, unsigned int length)
{
    return text(device, "name", name, length);
}

/* As in nvml.h, `used` includes what the driver reserves here and leaves it out in version 2. */
nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory)
{
    nvmlReturn_t status = ask(device, "memory");
    if (status != SUCCESS)
        return status;
    memory->total = number(device, "memory_total");
    memory->used = number(device, "memory_used") + number(device, "memory_reserved");
    memory->free = memory->total - memory->used;
    return SUCCESS;
}

#ifndef OLDER_DRIVER
nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *memory)
{
    nvmlReturn_t status = ask(device, "memory");
    if (status != SUCCESS)
        return status;
    if (strcmp(last("v2memory").text, "no") == 0)
        return FUNCTION_NOT_FOUND;
    if (memory->version != (sizeof *memory | 2u << 24))
        return ARGUMENT_VERSION_MISMATCH;
    memory->total = number(device, "memory_total");
    memory->used = number(device, "memory_used");
    memory->reserved = number(device, "memory_reserved");
    memory->free = memory->total - memory->used - memory->reserved;
    return SUCCESS;
}
#endif

nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *rates)
{
    rates->memory = 0;
    return whole(device, "utilisation", &rates->gpu);
}

nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device, unsigned int sensor, unsigned int *celsius)
{
    return sensor == 0 ? whole(device, "temperature", celsius) : INVALID_ARGUMENT;
}

nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t device, unsigned int *milliwatts)
{
    return whole(device, "power", milliwatts);
}

nvmlReturn_t nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t device, unsigned int *milliwatts)
{
    return whole(device, "power_limit", milliwatts);
}

typedef struct { unsigned int count, room; nvmlProcessInfo_t *infos; } list_t;

static void append(const char *rest, void *into)
{
    list_t *list = into;
    unsigned int pid;
    char memory[LINE];
    if (sscanf(rest, "%u %s", &pid, memory) == 2 && list->count++ < list->room) {
        nvmlProcessInfo_t *info = list->infos + list->count - 1;
        info->pid = pid;
        info->usedGpuMemory = memory[0] == '?' ? NOT_AVAILABLE : strtoull(memory, NULL, 10);
        info->gpuInstanceId = info->computeInstanceId = 0xFFFFFFFF;
    }
}

nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v2(nvmlDevice_t device, unsigned int *count,
                                                     nvmlProcessInfo_t *infos)
{
    nvmlReturn_t status = ask(device, "processes");
    list_t list = {0, infos ? *count : 0, infos};
    if (status != SUCCESS)
        return status;
    each(gpu_key(device, "process"), append, &list);
    *count = list.count;
    return list.count > list.room ? INSUFFICIENT_SIZE : SUCCESS;
}

#ifndef OLDER_DRIVER
nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device, unsigned int *count,
                                                     nvmlProcessInfo_t *infos)
{
    return nvmlDeviceGetComputeRunningProcesses_v2(device, count, infos);
}
#endif

nvmlReturn_t nvmlDeviceGetTotalEccErrors(nvmlDevice_t device, unsigned int error, unsigned int counter,
                                         unsigned long long *count)
{
    nvmlReturn_t status = ask(device, "ecc");
    if (error != 1 || counter != 0)  /* uncorrected, volatile */
        return INVALID_ARGUMENT;
    if (status == SUCCESS)
        *count = number(device, "ecc");
    return status;
}

/* As a real one, a set tells only of what came after a device was registered with it, and of each event once. */
typedef struct nvmlEventSet_st { int registered[MAX_GPUS]; unsigned int told[MAX_GPUS]; } *nvmlEventSet_t;

typedef struct { unsigned int seen, wanted; unsigned long long xid; } nth_t;

static void nth(const char *rest, void *into)
{
    nth_t *event = into;
    if (event->seen++ == event->wanted)
        event->xid = strtoull(rest, NULL, 10);
}

static nth_t xid(unsigned int index, unsigned int wanted)
{
    nth_t event = {0, wanted, 0};
    each(gpu_key(devices + index, "xid"), nth, &event);
    return event;
}

nvmlReturn_t nvmlEventSetCreate(nvmlEventSet_t *set)
{
    *set = calloc(1, sizeof **set);
    return ready();
}

nvmlReturn_t nvmlEventSetFree(nvmlEventSet_t set)
{
    free(set);
    return SUCCESS;
}

nvmlReturn_t nvmlDeviceRegisterEvents(nvmlDevice_t device, unsigned long long types, nvmlEventSet_t set)
{
    nvmlReturn_t status = ask(device, "events");
    if (status != SUCCESS)
        return status;
    if (types != XID_CRITICAL_ERROR)
        return NOT_SUPPORTED;
    set->registered[device->index] = 1;
    set->told[device->index] = xid(device->index, 0).seen;
    return SUCCESS;
}

nvmlReturn_t nvmlEventSetWait_v2(nvmlEventSet_t set, nvmlEventData_t *data, unsigned int milliseconds)
{
    (void)milliseconds;
    if (ready() != SUCCESS)
        return UNINITIALIZED;
    for (unsigned int i = 0; i < MAX_GPUS; i++) {
        nth_t event = xid(i, set->told[i]);
        if (set->registered[i] && event.seen > set->told[i]) {
            set->told[i]++;
            data->device = devices + i;
            data->eventType = XID_CRITICAL_ERROR;
            data->eventData = event.xid;
            data->gpuInstanceId = data->computeInstanceId = 0xFFFFFFFF;
            return SUCCESS;
        }
    }
    return TIMEOUT;
}
