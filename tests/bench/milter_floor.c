/* milter_floor PATH: a filter on libmilter that does nothing, as the measure of one that does something.
 *
 * It asks for the events that danegated asks for up to RCPT, and answers each "continue". Ends at SIGTERM.
 */
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static sfsistat on_connect(SMFICTX* context, char* host, _SOCK_ADDR* address) {
  (void)context, (void)host, (void)address;
  return SMFIS_CONTINUE;
}

static sfsistat on_helo(SMFICTX* context, char* name) {
  (void)context, (void)name;
  return SMFIS_CONTINUE;
}

static sfsistat on_address(SMFICTX* context, char** arguments) {
  (void)context, (void)arguments;
  return SMFIS_CONTINUE;
}

static sfsistat on_event(SMFICTX* context) {
  (void)context;
  return SMFIS_CONTINUE;
}

int main(int argc, char** argv) {
  char endpoint[256];
  char name[] = "milter_floor";
  struct smfiDesc filter;
  memset(&filter, 0, sizeof filter);
  filter.xxfi_name = name;
  filter.xxfi_version = SMFI_VERSION;
  filter.xxfi_connect = on_connect;
  filter.xxfi_helo = on_helo;
  filter.xxfi_envfrom = on_address;
  filter.xxfi_envrcpt = on_address;
  filter.xxfi_eom = on_event;
  filter.xxfi_abort = on_event;
  filter.xxfi_close = on_event;
  if (argc != 2) {
    fputs("usage: milter_floor PATH\n", stderr);
    return 64;
  }
  unlink(argv[1]);
  snprintf(endpoint, sizeof endpoint, "unix:%s", argv[1]);
  if (smfi_setconn(endpoint) != MI_SUCCESS || smfi_register(filter) != MI_SUCCESS || smfi_opensocket(1) != MI_SUCCESS)
    return 1;
  if (chmod(argv[1], 0666) < 0) return 1;
  return smfi_main() == MI_SUCCESS ? 0 : 1;
}
