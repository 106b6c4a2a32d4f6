#!/bin/sh
# CNI plugin `routed`: a pod's link in Calico's shape, in a page of shell. Addresses come from the reference
# host-local plugin (CNI specification 0.4.0: environment variables in, the network configuration on standard input,
# the result as JSON on standard output).
#
#   the host's end   cali + the first 11 hex digits of sha1("namespace.pod"), ee:ee:ee:ee:ee:ee, proxy_arp, no address,
#                    no bridge, and a /32 route to the pod
#   the pod's end    eth0 with a /32 address, and a default route via 169.254.1.1, which the host answers for
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
conf=$(cat)
arg() { printf '%s' "${CNI_ARGS:-}" | tr ';' '\n' | sed -n "s/^$1=//p"; }
ipam() { printf '%s' "$conf" | "${CNI_PATH%%:*}"/host-local; }

case $CNI_COMMAND in
VERSION)
  echo '{"cniVersion":"0.4.0","supportedVersions":["0.3.1","0.4.0"]}'
  exit ;;
CHECK)
  exit ;;
esac

host=cali$(printf '%s.%s' "$(arg K8S_POD_NAMESPACE)" "$(arg K8S_POD_NAME)" | sha1sum | cut -c1-11)
if [ "$CNI_COMMAND" = DEL ]; then
  ip link del "$host" 2>/dev/null || :
  ipam
  exit
fi

given=$(ipam)
address=$(printf '%s' "$given" | tr -d '\n' | sed -n 's/.*"address": *"\([0-9.]*\)\/.*/\1/p')
netns=${CNI_NETNS##*/} # containerd keeps them in /run/netns, where ip(8) finds them by name
pod() { ip -n "$netns" "$@"; }
ip link add "$host" mtu 1500 type veth peer name "$CNI_IFNAME" mtu 1500 netns "$netns"
ip link set "$host" address ee:ee:ee:ee:ee:ee up
echo 1 > "/proc/sys/net/ipv4/conf/$host/proxy_arp"
echo 0 > "/proc/sys/net/ipv4/neigh/$host/proxy_delay"
pod addr add "$address/32" dev "$CNI_IFNAME"
pod link set "$CNI_IFNAME" up
pod route add 169.254.1.1 dev "$CNI_IFNAME" scope link
pod route add default via 169.254.1.1 dev "$CNI_IFNAME"
ip route add "$address/32" dev "$host" scope link
mac=$(pod -o link show dev "$CNI_IFNAME" | sed -n 's/.*link\/ether \([0-9a-f:]*\).*/\1/p')

cat <<JSON
{"cniVersion":"0.4.0",
 "interfaces":[{"name":"$host"},{"name":"$CNI_IFNAME","mac":"$mac","sandbox":"$CNI_NETNS"}],
 "ips":[{"version":"4","address":"$address/32","interface":1}],
 "routes":[{"dst":"0.0.0.0/0","gw":"169.254.1.1"}]}
JSON
