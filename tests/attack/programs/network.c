/* Everything that might be a way out; the loopback is there for the lessons. */
/* EXPECT: exit 0 */
/* SAYS: outside ENETUNREACH */
/* SAYS: datagram outside ENETUNREACH */
/* SAYS: host's abstract socket ECONNREFUSED */
/* SAYS: vsock EAFNOSUPPORT */
/* SAYS: netlink EAFNOSUPPORT */
/* SAYS: packet EAFNOSUPPORT */
/* SAYS: alg EAFNOSUPPORT */
/* SAYS: raw EPERM */
/* SAYS: loopback ok */
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "attack.h"

int main(void)
{
    struct sockaddr_in away = {.sin_family = AF_INET, .sin_port = htons(53)};
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(9999)};
    struct sockaddr_un host = {.sun_family = AF_UNIX, .sun_path = "\0" ATTACK_NAME "-host"};
    away.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1, RFC 5737 */
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = offsetof(struct sockaddr_un, sun_path) + sizeof ATTACK_NAME "-host";
    int stream = socket(AF_INET, SOCK_STREAM, 0), local = socket(AF_UNIX, SOCK_STREAM, 0);
    SAY("outside", connect(stream, (struct sockaddr *)&away, sizeof away));
    SAY("datagram outside",
        sendto(socket(AF_INET, SOCK_DGRAM, 0), "x", 1, 0, (struct sockaddr *)&away, sizeof away));
    SAY("host's abstract socket", connect(local, (struct sockaddr *)&host, size));
    SAY("vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
    SAY("netlink", socket(AF_NETLINK, SOCK_RAW, 0));
    SAY("packet", socket(AF_PACKET, SOCK_RAW, 0));
    SAY("alg", socket(AF_ALG, SOCK_SEQPACKET, 0));
    SAY("raw", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    SAY("loopback", bind(stream, (struct sockaddr *)&here, sizeof here));
    return 0;
}
