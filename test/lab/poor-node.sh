#!/bin/sh
# Makes of a lab's node a poor one, beside the one it is: a second server on it that shows the same namespaces, processes
# and pods, but other tools. Run in the node, in a mount namespace of its own: sh -c "$(cat poor-node.sh)" poor KIND PORT.
# It prints its host key and stays until it is ended.
#
#   busybox    a root of its own with busybox and dropbear, and nothing else
#   nojson     iproute2 as it was before 4.14: `ip`, `bridge` and `ss` refuse -j and -H
#   halfjson   iproute2 4.14 to 4.16: `ip -j` prints links as JSON, and routes, neighbours and rules as text
#   nettools   no iproute2 at all, but ifconfig, route, arp and netstat
#   bare       none of either, and no `nsenter`
#   netstat    as nettools, where the kernel's own tables of sockets cannot be read
set -e
kind=$1 port=$2
work=/run/poor-$kind
mkdir -p "$work"
mount -t tmpfs tmpfs "$work"
dropbearkey -t ed25519 -f "$work/key" 2>/dev/null | grep '^ssh-'

serve() { # a root
  exec chroot "$1" /usr/sbin/dropbear -F -E -s -m -r /etc/dropbear/key -p "$port"
}

if [ "$kind" = busybox ]; then
  root=$work/root
  for dir in bin proc sys dev run/containerd run/netns etc/dropbear root/.ssh usr/sbin tmp; do mkdir -p "$root/$dir"; done
  cp /bin/busybox "$root/bin/busybox"
  for applet in $(busybox --list); do [ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"; done
  cp /usr/sbin/dropbear "$root/usr/sbin/"
  for library in $(ldd /usr/sbin/dropbear | grep -o '/[^ ]*'); do mkdir -p "$root${library%/*}"; cp "$library" "$root$library"; done
  echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
  printf 'PRETTY_NAME="BusyBox"\n' >"$root/etc/os-release"
  cp /etc/hostname "$root/etc/" 2>/dev/null || :
  cp /etc/machine-id "$root/etc/" 2>/dev/null || :
  mv "$work/key" "$root/etc/dropbear/key"
  cp /etc/ssh/authorized_keys "$root/root/.ssh/authorized_keys"
  chmod 700 "$root" "$root/root" "$root/root/.ssh"
  chmod 600 "$root/root/.ssh/authorized_keys" "$root/etc/dropbear/key"
  mount --rbind /proc "$root/proc"; mount --rbind /sys "$root/sys"; mount --rbind /dev "$root/dev"
  mount --rbind /run/containerd "$root/run/containerd"
  mount --rbind /run/netns "$root/run/netns"
  serve "$root"
fi

# The machine's own tools, each by a link, of which some are left out or are others.
mkdir "$work/usr" "$work/bin" "$work/sbin" "$work/home"
mount --bind /usr "$work/usr"
for dir in bin sbin; do for tool in "$work/usr/$dir"/*; do ln -s "$tool" "$work/$dir/${tool##*/}"; done; done
gone() { for tool do rm -f "$work/bin/$tool" "$work/sbin/$tool"; done; }
other() { # tool, script: what is run instead; $real is the tool itself
  real=$work/usr/bin/$1; [ -e "$real" ] || real=$work/usr/sbin/$1
  gone "$1"
  printf '#!/bin/sh\nreal=%s\n%s\nexec "$real" "$@"\n' "$real" "$2" >"$work/bin/$1"
  chmod +x "$work/bin/$1"
}
refuses() { # tool, help: as iproute2 says it of an option that it does not know
  other "$1" "for o do case \$o in -j) echo 'Option \"-j\" is unknown, try \"$2\".' >&2; exit 255;; -*) ;; *) break;; esac; done"
}
case $kind in
  nojson)
    refuses ip 'ip -help'
    refuses bridge 'bridge help'
    other ss "case \$1 in -*H*) echo \"ss: invalid option -- 'H'\" >&2; exit 255;; esac";;
  halfjson)
    other ip 'case "$*" in *-j*-batch*) $real -j -d -s addr show; for what in "route show table all" "neigh show nud all" "rule show"; do $real -d -s $what; done; exit 0;; esac';;
  nettools) gone ip ss bridge;;
  bare) gone ip ss bridge nsenter ifconfig route arp netstat;;
  netstat)
    gone ip ss bridge
    for tool in grep cat; do other "$tool" 'case "$*" in */net/tcp*) exit 127;; esac'; done;;
  *) echo "no kind $kind" >&2; exit 2;;
esac
mkdir "$work/home/.ssh"
cp /etc/ssh/authorized_keys "$work/home/.ssh/authorized_keys"
chmod 700 "$work/home" "$work/home/.ssh"; chmod 600 "$work/home/.ssh/authorized_keys" "$work/key"
mount --bind "$work/home" /root
mount --bind "$work/bin" /usr/bin
mount --bind "$work/sbin" /usr/sbin
exec "$work/usr/sbin/dropbear" -F -E -s -m -r "$work/key" -p "$port"
