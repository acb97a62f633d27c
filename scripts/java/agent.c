/* An agent with which a Java virtual machine waits to be told what to run.
 *
 * The machine calls it once it has started and before the launcher looks for the program, in the
 * launcher's own thread. When it was told what to run it returns, and the launcher goes on as if it
 * had just come that far. It asks the machine for nothing that costs the program time, and leaves
 * nothing of itself behind: no class, no property, no frame below the program's.
 *
 * Its options, if there are any, are what is done once before waiting: a class with slashes, the name
 * of a static method of it that takes strings and returns a number, and the strings. Meanwhile there
 * is a folder /tmp/warm for what that makes.
 */
#define _GNU_SOURCE
#include <ftw.h>
#include <jvmti.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where a runtime is told what to do, and where it says that it is ready. */
enum { TOLD = 3, READY = 4 };

static const char SCRATCH[] = "/tmp/warm";

/* More is not taken from the options. */
enum { MOST_WORDS = 64 };

/* What the runtime was told: the words, and behind them the variables. */
static char **told;
static size_t told_words;

static char *warm_up;

/* Arguments on their way to the launcher, and the machine's own functions meanwhile. */
static jvmtiEnv *agent;
static jniNativeInterface *functions;
static jobjectArray (*new_array)(JNIEnv *, jsize, jclass, jobject);

/* A string as the launcher makes it of what stands on the command line. */
static jstring platform_string(JNIEnv *java, const char *text) {
    jclass helper = (*java)->FindClass(java, "sun/launcher/LauncherHelper");
    if (helper == NULL) return NULL;
    jmethodID make = (*java)->GetStaticMethodID(java, helper, "makePlatformString", "(Z[B)Ljava/lang/String;");
    if (make == NULL) return NULL;
    jsize length = (jsize)strlen(text);
    jbyteArray bytes = (*java)->NewByteArray(java, length);
    if (bytes == NULL) return NULL;
    (*java)->SetByteArrayRegion(java, bytes, 0, length, (const jbyte *)text);
    return (*java)->CallStaticObjectMethod(java, helper, make, JNI_TRUE, bytes);
}

static jobjectArray strings(JNIEnv *java, size_t count, char **texts) {
    jclass string = (*java)->FindClass(java, "java/lang/String");
    if (string == NULL) return NULL;
    jobjectArray array = (*java)->NewObjectArray(java, (jsize)count, string, NULL);
    for (size_t at = 0; array != NULL && at < count; at++) {
        jstring text = platform_string(java, texts[at]);
        if (text == NULL) return NULL;
        (*java)->SetObjectArrayElement(java, array, (jsize)at, text);
    }
    return array;
}

static int drop(const char *path, const struct stat *found, int kind, struct FTW *place) {
    (void)found, (void)kind, (void)place;
    return remove(path);
}

/* Has the machine load and translate what it will need, as far as that can be done without the
 * program. Whether it succeeds changes nothing but the speed. */
static void be_warm(JNIEnv *java) {
    char *words[MOST_WORDS];
    size_t count = 0;
    for (char *word = strtok(warm_up, " "); word != NULL && count < MOST_WORDS; word = strtok(NULL, " ")) {
        words[count++] = word;
    }
    if (count < 2 || mkdir(SCRATCH, 0700) != 0) return;
    jclass class = (*java)->FindClass(java, words[0]);
    jmethodID method =
        class == NULL ? NULL : (*java)->GetStaticMethodID(java, class, words[1], "([Ljava/lang/String;)I");
    jobjectArray texts = method == NULL ? NULL : strings(java, count - 2, words + 2);
    if (texts != NULL) (*java)->CallStaticIntMethod(java, class, method, texts);
    (*java)->ExceptionClear(java);
    nftw(SCRATCH, drop, 8, FTW_DEPTH | FTW_PHYS);
}

/* Reads until the end; NULL where that fails. A NUL stands behind what was read. */
static char *read_all(int from, size_t *length) {
    size_t room = 1 << 16;
    char *all = malloc(room + 1);
    *length = 0;
    while (all != NULL) {
        ssize_t more = read(from, all + *length, room - *length);
        if (more < 0) return NULL;
        if (more == 0) {
            all[*length] = '\0';
            return all;
        }
        *length += (size_t)more;
        if (*length == room) all = realloc(all, (room *= 2) + 1);
    }
    return NULL;
}

/* Says that it is ready, and waits to be told: the number of words, the words, and the variables,
 * each ended by a NUL. */
static int wait_to_be_told(void) {
    if (write(READY, "\n", 1) != 1) return -1;
    close(READY);
    size_t length = 0, parts = 0;
    char *said = read_all(TOLD, &length);
    close(TOLD);
    if (said == NULL || length == 0 || said[length - 1] != '\0') return -1;
    for (size_t at = 0; at < length; at++) parts += said[at] == '\0';
    told = calloc(parts, sizeof *told);
    if (told == NULL) return -1;
    told_words = strtoul(said, NULL, 10);
    char *part = said;
    for (size_t at = 0; at + 1 < parts; at++) {
        part += strlen(part) + 1;
        told[at] = part;
    }
    return told_words < parts ? 0 : -1;
}

/* Java looks at the environment when it is first asked for it. */
static void renew_environment(void) {
    clearenv();
    for (char **variable = told + told_words; *variable != NULL; variable++) putenv(*variable);
}

/* The launcher keeps its command there, too. */
static void set_command(JNIEnv *java) {
    size_t length = 1;
    for (size_t at = 0; at < told_words; at++) length += strlen(told[at]) + 1;
    char *command = calloc(length, 1);
    if (command == NULL) return;
    for (size_t at = 0; at < told_words; at++) {
        if (at > 0) strcat(command, " ");
        strcat(command, told[at]);
    }
    jclass system = (*java)->FindClass(java, "java/lang/System");
    jmethodID set = (*java)->GetStaticMethodID(
        java, system, "setProperty", "(Ljava/lang/String;Ljava/lang/String;)Ljava/lang/String;");
    jstring name = platform_string(java, "sun.java.command"), value = platform_string(java, command);
    if (set != NULL && name != NULL && value != NULL) {
        (*java)->CallStaticObjectMethod(java, system, set, name, value);
    }
    (*java)->ExceptionClear(java);
    free(command);
}

/* Makes an array as the machine does, but once for the launcher: it was started without arguments and
 * so asks for an empty array of strings for the program. */
static jobjectArray JNICALL launchers_array(JNIEnv *java, jsize length, jclass class, jobject first) {
    jclass string = (*java)->FindClass(java, "java/lang/String");
    if (length != 0 || first != NULL || !(*java)->IsSameObject(java, class, string)) {
        return new_array(java, length, class, first);
    }
    functions->NewObjectArray = new_array;
    (*agent)->SetJNIFunctionTable(agent, functions);
    return strings(java, told_words - 1, told + 1);
}

static void hand_over_arguments(void) {
    if ((*agent)->GetJNIFunctionTable(agent, &functions) != JVMTI_ERROR_NONE) return;
    new_array = functions->NewObjectArray;
    functions->NewObjectArray = launchers_array;
    (*agent)->SetJNIFunctionTable(agent, functions);
}

static void JNICALL started(jvmtiEnv *tools, JNIEnv *java, jthread thread) {
    (void)tools, (void)thread;
    if (warm_up != NULL) be_warm(java);
    /* Loaded before and not after it is told. */
    platform_string(java, "");
    (*java)->ExceptionClear(java);
    /* If that fails nobody is left who could tell it anything. */
    if (wait_to_be_told() != 0) _exit(1);
    renew_environment();
    if (told_words > 1) {
        set_command(java);
        hand_over_arguments();
    }
}

JNIEXPORT jint JNICALL Agent_OnLoad(JavaVM *machine, char *options, void *reserved) {
    (void)reserved;
    if (options != NULL && *options != '\0') warm_up = strdup(options);
    if ((*machine)->GetEnv(machine, (void **)&agent, JVMTI_VERSION_1_2) != JNI_OK) return JNI_ERR;
    jvmtiEventCallbacks callbacks = {.VMInit = started};
    if ((*agent)->SetEventCallbacks(agent, &callbacks, sizeof callbacks) != JVMTI_ERROR_NONE) return JNI_ERR;
    return (*agent)->SetEventNotificationMode(agent, JVMTI_ENABLE, JVMTI_EVENT_VM_INIT, NULL) == JVMTI_ERROR_NONE
               ? JNI_OK
               : JNI_ERR;
}
