#!/bin/sh
# First process of a lab node. It is started in fresh mount, pid, uts, ipc, network and cgroup namespaces, builds the
# node's file system, says `ready`, and becomes reap.sh.
#
#   node-init.sh DIR HOSTNAME CGROUPS
#     DIR      the node's directory on the machine; DIR/seed is copied over the node's root
#     CGROUPS  `2`, or the version 1 hierarchies as NAME=OPTIONS words (the NAME is the directory below /sys/fs/cgroup)
#
# The root is an overlay: the machine's own root below, a tmpfs on top. Nothing a node writes reaches the machine.
set -eu
dir=$1 name=$2 cgroups=$3

mount --make-rprivate /
mount -t tmpfs -o mode=755 lab "$dir"/fs
mkdir "$dir"/fs/upper "$dir"/fs/work "$dir"/fs/root
root=$dir/fs/root
mount -t overlay -o "lowerdir=/,upperdir=$dir/fs/upper,workdir=$dir/fs/work" overlay "$root"
cp -a "$dir"/seed/. "$root"/
# What the machine's root has his shell do at login is not the node's: one that waits for a lock holds up every login.
for file in .bashrc .bash_profile .bash_login .profile .zshrc .zshenv; do rm -f "$root/root/$file"; done
hostname "$name"

mkdir -p "$root"/proc "$root"/sys "$root"/dev "$root"/run "$root"/tmp "$root"/.machine
mount -t proc -o nosuid,nodev,noexec proc "$root"/proc
mount -t sysfs -o nosuid,nodev,noexec sysfs "$root"/sys
mount --bind /dev "$root"/dev
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root"/dev/pts
mount -t tmpfs -o nosuid,nodev shm "$root"/dev/shm
mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs "$root"/run
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs "$root"/tmp
mkdir -p "$root"/run/lock "$root"/run/sshd

if [ "$cgroups" = 2 ]; then
  mount -t cgroup2 cgroup2 "$root"/sys/fs/cgroup
  # cgroup2 lets a group with processes hand nothing to children, so they live one level down.
  mkdir -p "$root"/sys/fs/cgroup/init.scope
  echo $$ > "$root"/sys/fs/cgroup/init.scope/cgroup.procs
else
  mount -t tmpfs -o mode=755 tmpfs "$root"/sys/fs/cgroup
  for hierarchy in $cgroups; do
    at=$root/sys/fs/cgroup/${hierarchy%%=*}
    mkdir -p "$at"
    if [ "${hierarchy#*=}" = 2 ]; then
      mount -t cgroup2 cgroup2 "$at"
    else
      mount -t cgroup -o "${hierarchy#*=}" cgroup "$at"
    fi
  done
fi

cd "$root"
pivot_root . .machine
cd /
umount -l /.machine
rmdir /.machine
ip link set lo up
for setting in ipv4/ip_forward=1 bridge/bridge-nf-call-iptables=1 ipv4/conf/all/rp_filter=0; do
  if [ -e "/proc/sys/net/${setting%=*}" ]; then echo "${setting#*=}" > "/proc/sys/net/${setting%=*}"; fi
done

echo ready
exec /usr/local/libexec/lab-reap > /var/log/lab-reap.log 2>&1 < /dev/null
