/**
 * The text that runs on a node: nothing of it is written there, all of it is fed to a POSIX shell's standard input.
 *
 * Needs of the node: a POSIX `sh`, /proc, and `stat`, `awk`, `head`, `tail`, `nsenter`, `timeout`, `renice` as coreutils,
 * util-linux or busybox have them. Without `timeout` reads go on, but nothing on the node bounds them.
 */

import {type Rights, rightsLine} from './rights.ts';

/**
 * What the login shell is asked to start. It survives sh, bash, zsh, dash, ash, ksh, fish and csh alike, since it has
 * no single quote, backslash, `!` or newline within its quotes. It runs the first line that it is fed.
 */
export const bootCommand = `exec sh -c 'IFS= read -r boot && eval "$boot"'`;

/** The line that takes so many bytes, which end in `#go`, as one program. */
const programLine = (bytes: number) =>
  // By its length: read takes a byte at a time. What ends before its mark was cut off, and is not run.
  `hop_a=$(head -c ${bytes}); case $hop_a in *"#go") eval "$hop_a";; esac`;

/**
 * Three processes of one shell stay while the channel is open: the one that was started, which waits for the others;
 * `hop_serve`, which takes requests and runs them; and `hop_guard`, which nothing can block, since it writes nowhere.
 * The guard stops a command whose time is up, and stops everything when a sweep takes too long or no request has come
 * for `idle` seconds: a link that dies without a word leaves nothing behind. It hears of what runs through a pipe, so
 * it ends with the shell that it guards, at once, and leaves no `sleep` over.
 *
 * The directories of the system's own programs come first: each that lacks one costs a failed `execve`, for every namespace.
 *
 * Frames, each a line beginning with the nonce, wherever in the stream it stands:
 * on stdout  `H uid timeout` hello, `R` ready; `K` alive; `N` then the namespaces; `B read netns`, body,
 * `E exit uptime uptime`; `S read netns uptime` nothing moved there; `D read` no more of it; `V` then the namespaces as
 * they are at the end, when that changed; `T sweep uptime` then `times`, `Z sweep`. On stderr `r` ready,
 * `e read netns`, `d read`, `z sweep` close what stands before.
 */
const agent = (nonce: string, idle: number, first: string) => `hop_n=${nonce}
hop_nl='
'
hop_idle=${idle}
LC_ALL=C; export LC_ALL; unset LANGUAGE ENV BASH_ENV CDPATH
umask 077; cd /; ulimit -c 0 2>/dev/null
PATH=/usr/bin:/usr/sbin:/bin:/sbin:/usr/local/sbin:/usr/local/bin:$PATH; export PATH
renice -n 10 -p $$ >/dev/null 2>&1
# Only root may see which namespace the process of another is in; a file of that namespace tells it to everybody.
hop_nets=; [ "$hop_uid" = 0 ] || [ ! -r /proc/self/net/dev ] || hop_nets='/proc/self/net/dev /proc/[0-9]*/net/dev'
hop_bounded=1; command -v timeout >/dev/null 2>&1 || hop_bounded=0

hop_times() {
  IFS=' ' read -r hop_u hop_x </proc/uptime
  printf '%s T %s %s\\n' "$hop_n" "$1" "$hop_u"
  times
}

hop_look() {
  hop_seen=$(stat -L -c '%i %d %n' /proc/self/ns/net $hop_nets /proc/[0-9]*/ns/net /run/netns/* /var/run/netns/* /run/docker/netns/* 2>/dev/null | awk '
    { ino = $1; path = substr($0, length($1 $2) + 3); split(path, part, "/") }
    NR == 1 { host = ino; nsfs = $2; next }
    path == "/proc/self/net/dev" { mine = ino; next }
    path ~ /^\\/proc\\/[0-9]+\\/net\\/dev$/ {
      if (ino == mine) ino = host
      if (!(ino in known)) { known[ino] = 1; order[++n] = ino }
      if (!(ino in pid) || part[3] + 0 < pid[ino]) pid[ino] = part[3] + 0
      next
    }
    mine != "" { next }
    $2 != nsfs { next }
    !(ino in known) { known[ino] = 1; order[++n] = ino }
    path ~ /^\\/proc\\/[0-9]+\\// { if (!(ino in pid) || part[3] + 0 < pid[ino]) pid[ino] = part[3] + 0; next }
    !(ino in file) { file[ino] = path }
    END {
      for (i = 1; i <= n; i++) if (order[i] in pid) pids = pids (pids == "" ? "" : " ") pid[order[i]]
      print host; print pids
      for (i = 1; i <= n; i++) if (order[i] != host)
        print order[i] " " (order[i] in pid ? "/proc/" pid[order[i]] "/ns/net" : file[order[i]])
    }')
  hop_host=\${hop_seen%%"$hop_nl"*}; hop_seen=\${hop_seen#*"$hop_nl"}
  hop_pids=\${hop_seen%%"$hop_nl"*}; hop_list=
  case $hop_seen in *"$hop_nl"*) hop_list=\${hop_seen#*"$hop_nl"};; esac
  hop_paths=; IFS=$hop_nl; set -f; for hop_x in $hop_list; do hop_paths=$hop_paths$hop_nl\${hop_x#* }; done
  IFS=' '; set +f
  hop_room=$((256 + \${#hop_list} * 8))
  printf '%s N\\n%s\\n%s\\n' "$hop_n" "$hop_host" "$hop_list"
}

hop_stir() { # into hop_still: the inodes, a space around each, of namespaces where nothing moved since the last call
  hop_said=$({
    printf '%s\\n' "$hop_before"
    printf 'N %s /proc/self/ns/net\\n' "$hop_host"
    IFS=$hop_nl; set -f; set -- $hop_list; IFS=' '; set +f
    hop_f='/proc/self/net/sockstat /proc/self/net/sockstat6 /proc/self/net/snmp /proc/self/net/snmp6'
    for hop_x do
      printf 'N %s\\n' "$hop_x"
      hop_x=\${hop_x#* }
      case $hop_x in /proc/*) hop_x=\${hop_x%/ns/net}/net
        hop_f="$hop_f $hop_x/sockstat $hop_x/sockstat6 $hop_x/snmp $hop_x/snmp6";; esac
    done
    grep -sHE '^(TCP|UDP|Tcp:|Udp:|Udp6)' $hop_f
  } | awk '
    NF < 2 { next }
    $1 == "=" { was[$2] = $3; next }
    $1 == "N" { split($3, part, "/"); at[part[3]] = $2; next }
    {
      i = index($0, ":"); split(substr($0, 1, i - 1), part, "/"); ino = at[part[3]]
      count = split(substr($0, i + 1), word, " ")
      if (word[2] == "inuse") said = word[1] word[3] (word[6] == "tw" ? "+" word[7] : "")
      else if (word[2] ~ /^-?[0-9]/) { said = ""; for (i = 1; i <= count; i++) said = said "," word[i] }
      else next
      if (!(ino in now)) order[++n] = ino
      now[ino] = now[ino] ";" said
    }
    END {
      still = " "
      for (i = 1; i <= n; i++) if (was[order[i]] == now[order[i]]) still = still order[i] " "
      print still
      for (i = 1; i <= n; i++) print "= " order[i] " " now[order[i]]
    }')
  hop_still=\${hop_said%%"$hop_nl"*}; hop_before=\${hop_said#*"$hop_nl"}
}
hop_before=

hop_run() { eval "$hop_command"; }

hop_self() { IFS=' ' read -r hop_pid hop_x </proc/self/stat; }

hop_open() { # read, seconds
  echo "run $hop_pid $2" >&4
  IFS=' ' read -r hop_u hop_x </proc/uptime
  printf '%s B %s -\\n' "$hop_n" "$1"
}

hop_shut() { # exit, read, inode
  hop_b=$hop_u; IFS=' ' read -r hop_u hop_x </proc/uptime
  printf '%s E %s %s %s\\n' "$hop_n" "$1" "$hop_b" "$hop_u"
  printf '%s e %s %s\\n' "$hop_n" "$2" "$3" >&2
}

hop_each() { # read, seconds, wanted inodes with a space around each or nothing, command, those to leave out where
             # nothing moved, those to read all the same or a star
  hop_r=$1; hop_want=$3; hop_command=$4; hop_skip=$5; hop_fresh=$6; echo "run $hop_pid $2" >&4
  IFS=' ' read -r hop_u hop_x </proc/uptime
  IFS=$hop_nl; set -f; set -- "$hop_host" $hop_list; IFS=' '; set +f
  for hop_x do
    hop_ino=\${hop_x%% *}
    case $hop_want in ''|*" $hop_ino "*) ;;
      *' host '*) [ "$hop_ino" = "$hop_host" ] || continue;;
      *' inside '*) [ "$hop_ino" != "$hop_host" ] || continue;;
      *) continue;;
    esac
    case $hop_skip in *" $hop_ino "*)
      case $hop_fresh in '*'|*" $hop_ino "*) ;; *)
        printf '%s S %s %s %s\\n' "$hop_n" "$hop_r" "$hop_ino" "$hop_u"
        continue;;
      esac;;
    esac
    printf '%s B %s %s\\n' "$hop_n" "$hop_r" "$hop_ino"
    if [ "$hop_ino" = "$hop_host" ]; then set --; else set -- nsenter --net="\${hop_x#* }" --; fi
    hop_run "$@" </dev/null 4>&-
    hop_shut $? "$hop_r" "$hop_ino"
  done
}

hop_done() { # reads
  for hop_x do printf '%s D %s\\n' "$hop_n" "$hop_x"; printf '%s d %s\\n' "$hop_n" "$hop_x" >&2; done
}

hop_check() { # whether the processes that namespaces were entered through are still the same ones
  hop_now=$(
    IFS=$hop_nl; set -f; set -- $hop_paths; IFS=' '
    [ $# -gt 0 ] || exit 0
    if [ -z "$hop_nets" ]; then stat -L -c '%i %n' "$@" 2>/dev/null; exit; fi
    hop_f=; for hop_x do hop_f="$hop_f \${hop_x%/ns/net}/net/dev"; done
    stat -L -c '%i %n' $hop_f 2>/dev/null | sed 's,/net/dev$,/ns/net,'
  )
  [ "$hop_now" = "$hop_list" ] || printf '%s V\\n%s\\n' "$hop_n" "$hop_now"
}

hop_end() {
  hop_times "$1"
  printf '%s Z %s\\n' "$hop_n" "$1"; printf '%s z %s\\n' "$hop_n" "$1" >&2
}

hop_serve() {
  IFS=' ' read -r hop_pid hop_x </proc/self/stat
  echo "$hop_pid" >&4
  printf '%s H %s %s\\n' "$hop_n" "$hop_uid" "$hop_bounded"
  hop_times 0
  printf '%s R\\n' "$hop_n"; printf '%s r\\n' "$hop_n" >&2
  hop_first
  while :; do
    hop_q=
    while :; do
      IFS= read -r hop_l || exit 0
      [ "$hop_l" = "$hop_n" ] && break
      hop_q=$hop_q$hop_l$hop_nl
    done
    eval "$hop_q"
    echo idle >&4
  done
}

hop_below() { # the processes that a process started, into hop_kids
  hop_kids=
  if [ -r "/proc/$1/task/$1/children" ]; then
    IFS= read -r hop_kids <"/proc/$1/task/$1/children"
  elif [ -d "/proc/$1" ] && [ ! -e "/proc/$1/task/$1/children" ]; then
    for hop_f in /proc/[0-9]*/stat; do
      IFS= read -r hop_s <"$hop_f" || continue
      hop_k=\${hop_s%% *}; hop_s=\${hop_s##*) }; hop_s=\${hop_s#* }
      [ "\${hop_s%% *}" = "$1" ] && hop_kids="$hop_kids$hop_k "
    done
  fi
}

hop_fell() { # signal, processes: those and all below them
  hop_sig=$1; shift; hop_all=
  while [ $# -gt 0 ]; do
    hop_all="$hop_all $1"; hop_below "$1"; shift
    set -- "$@" $hop_kids
  done
  [ -z "$hop_all" ] || kill -"$hop_sig" $hop_all
}

hop_guard() {
  IFS= read -r hop_m || return 0
  hop_busy=$hop_idle; hop_loop=; hop_was=; hop_age=0
  while :; do
    if [ "$hop_busy" = 0 ]; then
      hop_said=$(timeout "$hop_idle" sh -c 'IFS= read -r l && printf "%s\\n" "$l"'); hop_e=$?
      case $hop_e in 0) ;; 124|143) break;; *) return 0;; esac
    else
      hop_said=$(timeout 1 cat); hop_e=$?
      case $hop_e in 124|143) ;; *) return 0;; esac
      hop_busy=$((hop_busy - 1)); hop_age=$((hop_age + 1))
      [ "$hop_busy" -gt 0 ] || break
    fi
    IFS=$hop_nl; set -- $hop_said; IFS=' '
    for hop_l do
      set -- $hop_l
      case $1 in
        busy) hop_busy=$2; hop_loop=; hop_was=; hop_age=0;;
        run) hop_loop=$2; hop_time=$3; hop_was=; hop_age=0;;
        idle) hop_busy=0; hop_loop=;;
      esac
    done
    [ -n "$hop_loop" ] || continue
    hop_below "$hop_loop"
    [ "$hop_kids" = "$hop_was" ] || hop_age=0
    hop_was=$hop_kids
    if [ -z "$hop_kids" ] || [ "$hop_age" -lt "$hop_time" ]; then continue; fi
    if [ "$hop_age" -lt $((hop_time + 2)) ]; then hop_fell TERM $hop_kids; else hop_fell KILL $hop_kids; fi
  done
  hop_fell TERM "$hop_m"
  timeout 1 cat
  case $? in 124|143) hop_fell KILL "$hop_m";; esac
}

${first}
if [ "$hop_bounded" = 1 ]
then { { hop_serve 4>&1 >&3 2>&5 3>&- 5>&-; } | hop_guard >/dev/null 3>&- 5>&-; } 3>&1 5>&2 2>/dev/null
else hop_serve 4>/dev/null
fi
exit 0
`;

/** A sweep to be defined and the call of it. */
export type Request = {readonly define: string; readonly call: string};

/**
 * What is fed to a shell that became what it can: the nonce goes this way only, so that no `ps` shows it. A `first`
 * request is part of it. Nothing more may be sent before the shell says `R`: some `head` read on beyond what they are
 * to pass, if there is anything.
 */
export function programText(nonce: string, idle: number, first?: Request): string {
  const call = first ? `${first.call}; echo idle >&4` : ':';
  const text = `${agent(nonce, idle, `${first?.define ?? ''}hop_first() { ${call}; }`)}#go\n`;
  return `${programLine(Buffer.byteLength(text))}\n${text}`;
}

/** What is fed to a shell that `bootCommand` started: one line to become root by, then the program. */
export const agentText = (nonce: string, idle: number, first?: Request, rights: Rights = {how: 'auto'}) =>
  `${rightsLine(rights)}\n${programText(nonce, idle, first)}`;

/** What a request after the first one is fed as. */
export const requestText = (nonce: string, {define, call}: Request): string => `${define}${call}\n${nonce}\n`;

/** A request that is answered with `K`: it keeps the guard from taking a quiet client for a dead link. */
export const aliveText = (nonce: string): string => `printf '%s K\\n' "$hop_n"\n${nonce}\n`;
