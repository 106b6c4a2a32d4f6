#!/bin/sh
# CNI plugin `vpc`: a pod's link in the shape of AWS VPC CNI, in a page of shell. Addresses come from the reference
# host-local plugin, which has a part of each card's subnet (/etc/cni/vpc/CARD.json). Pods get the cards of
# /etc/cni/vpc/cards (`CARD TABLE`, a line each) in turn.
#
#   the host's end   eni + the first 11 hex digits of sha1("namespace.pod"), no address, no bridge; a /32 route to the
#                    pod; a rule `to POD lookup main` (512), and `from POD lookup TABLE` (1536) unless on the first card
#   the pod's end    eth0 with a /32 address, a default route via 169.254.1.1, and a permanent neighbour for that
#   the card         answers for the pod's address (a proxy neighbour), which the VPC itself does in AWS
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
cat > /dev/null
arg() { printf '%s' "${CNI_ARGS:-}" | tr ';' '\n' | sed -n "s/^$1=//p"; }
ipam() { "${CNI_PATH%%:*}"/host-local < "/etc/cni/vpc/$1.json"; }

case $CNI_COMMAND in
VERSION)
  echo '{"cniVersion":"0.4.0","supportedVersions":["0.3.1","0.4.0"]}'
  exit ;;
CHECK)
  exit ;;
esac

host=eni$(printf '%s.%s' "$(arg K8S_POD_NAMESPACE)" "$(arg K8S_POD_NAME)" | sha1sum | cut -c1-11)
if [ "$CNI_COMMAND" = DEL ]; then
  ip link del "$host" 2>/dev/null || :
  while read -r card _; do ipam "$card"; done < /etc/cni/vpc/cards
  exit
fi

pods=$(ip -o link | grep -c ': eni' || :)
set -- $(sed -n "$((pods % $(wc -l < /etc/cni/vpc/cards) + 1))p" /etc/cni/vpc/cards)
card=$1 table=$2
address=$(ipam "$card" | tr -d '\n' | sed -n 's/.*"address": *"\([0-9.]*\)\/.*/\1/p')
netns=${CNI_NETNS##*/} # containerd keeps them in /run/netns, where ip(8) finds them by name
pod() { ip -n "$netns" "$@"; }
mac() { sed -n 's/.*link\/ether \([0-9a-f:]*\).*/\1/p'; }
ip link add "$host" mtu 1500 type veth peer name "$CNI_IFNAME" mtu 1500 netns "$netns"
ip link set "$host" up
pod addr add "$address/32" dev "$CNI_IFNAME"
pod link set "$CNI_IFNAME" up
pod route add 169.254.1.1 dev "$CNI_IFNAME" scope link
pod route add default via 169.254.1.1 dev "$CNI_IFNAME"
pod neigh add 169.254.1.1 lladdr "$(ip -o link show dev "$host" | mac)" dev "$CNI_IFNAME" nud permanent
ip route add "$address/32" dev "$host" scope link
ip rule add to "$address" lookup main priority 512
[ "$table" = main ] || ip rule add from "$address" lookup "$table" priority 1536
ip neigh add proxy "$address" dev "$card"

cat <<JSON
{"cniVersion":"0.4.0",
 "interfaces":[{"name":"$host"},{"name":"$CNI_IFNAME","mac":"$(pod -o link show dev "$CNI_IFNAME" | mac)","sandbox":"$CNI_NETNS"}],
 "ips":[{"version":"4","address":"$address/32","interface":1}],
 "routes":[{"dst":"0.0.0.0/0","gw":"169.254.1.1"}]}
JSON
