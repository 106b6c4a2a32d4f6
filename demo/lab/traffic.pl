#!/usr/bin/perl
# The one program that runs in the lab's pods: it serves, calls, pours and drains over TCP and UDP.
#
#   traffic NAME ROLE...
#     serve=tcp:PORT                     accept, and send back what arrives
#     serve=udp:PORT                     send each datagram back, behind `re: `
#     serve=tcp6:PORT, serve=udp6:PORT   the same on IPv6 alone
#     serve=udp:HOST:PORT                the same on one address: a datagram from a socket that is bound to none leaves
#                                        with the address of the card it leaves by
#     drain=tcp:PORT:BYTES               accept, and read BYTES every half second
#     call=tcp:HOST:PORT[:COUNT[:SECS]]  keep COUNT connections, one line every SECS seconds on each; try again for ever
#     call=udp:HOST:PORT[:COUNT[:SECS]]  keep COUNT connected sockets, one datagram every SECS seconds on each
#     get=http:HOST:PORT[:COUNT[:SECS]]  a new connection for each request, one every SECS seconds
#     pour=tcp:HOST:PORT                 send as fast as the other end takes it
#
# HOST is an IPv4 address, or an IPv6 one in brackets.
#
# What is called and who is called both say what they know of each connection, so that a reader of both knows the truth
# about it, whatever translates addresses between them. The first line on every held connection, and each datagram, is
# `NAME TOKEN COUNT`; the caller prints `connected to tcp HOST:PORT as LOCAL with TOKEN`, the called one
# `tcp PEER at LOCAL brought TOKEN`, once, each address as its own socket has it.
#
# One process holds many sockets, as real daemons do; NAME becomes its title. Written in Perl because busybox as
# Debian builds it has no UDP at all, and perl-base is on every Debian machine.
use strict;
use warnings;
use Errno qw(EAGAIN EINPROGRESS EINTR);
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use Socket qw(:DEFAULT AF_INET6 IPPROTO_IPV6 IPV6_V6ONLY inet_ntop inet_pton pack_sockaddr_in6 unpack_sockaddr_in6 sockaddr_family);

my $name = shift or die "usage: traffic NAME ROLE...\n";
my @roles = @ARGV;
$0 = join ' ', $name, @roles;
if (open my $comm, '>', '/proc/self/comm') { print $comm $name; close $comm }
$SIG{PIPE} = 'IGNORE';
$SIG{TERM} = sub { exit 0 };
$| = 1;

my (%reader, %writer, %handle, @calls, @drains);

sub say_line { print "$name: @_\n" }

sub unblock {
  my ($socket) = @_;
  fcntl($socket, F_SETFL, fcntl($socket, F_GETFL, 0) | O_NONBLOCK) or die "fcntl: $!\n";
}

sub forget {
  my ($socket) = @_;
  my $fd = fileno $socket;
  delete $reader{$fd}; delete $writer{$fd}; delete $handle{$fd};
  close $socket;
}

sub on_read  { my ($socket, $do) = @_; $handle{fileno $socket} = $socket; $reader{fileno $socket} = $do }
sub on_write { my ($socket, $do) = @_; $handle{fileno $socket} = $socket; $writer{fileno $socket} = $do }

# The kernel's name of a socket's end from an address and a port, and the other way round.
sub packed {
  my ($host, $port) = @_;
  $host =~ s/^\[(.*)\]$/$1/;
  return $host =~ /:/ ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $host)) : sockaddr_in($port, inet_aton($host));
}

sub told {
  my ($name) = @_;
  return '?' unless $name;
  if (sockaddr_family($name) == AF_INET6) {
    my ($port, $address) = unpack_sockaddr_in6($name);
    return '[' . inet_ntop(AF_INET6, $address) . "]:$port";
  }
  my ($port, $address) = sockaddr_in($name);
  return inet_ntoa($address) . ":$port";
}

sub token { return join '', map { sprintf '%04x', int rand 65536 } 1 .. 4 }

# Once for each caller: a connection's first bytes, or the first datagram from an address.
my %heard;
sub hear {
  my ($proto, $bytes, $peer, $local) = @_;
  my ($token) = $bytes =~ /^\S+ ([0-9a-f]{16}) \d+\n/ or return;
  return if ($heard{"$proto " . told($peer)} // '') eq $token;
  $heard{"$proto " . told($peer)} = $token;
  say_line("$proto " . told($peer) . ' at ' . told($local) . " brought $token");
}

sub listen_on {
  my ($proto, $where) = @_;
  my $six = $proto =~ s/6$//;
  my ($host, $port) = $where =~ /^(.+):(\d+)$/ ? ($1, $2) : ($six ? '::' : '0.0.0.0', $where);
  socket(my $socket, $six ? AF_INET6 : PF_INET, $proto eq 'udp' ? SOCK_DGRAM : SOCK_STREAM, 0) or die "socket: $!\n";
  setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1);
  setsockopt($socket, IPPROTO_IPV6, IPV6_V6ONLY, 1) if $six;
  bind($socket, packed($host, $port)) or die "bind $proto $where: $!\n";
  if ($proto eq 'tcp') { listen($socket, 128) or die "listen $where: $!\n" }
  unblock($socket);
  return $socket;
}

sub serve_tcp {
  my ($proto, $port) = @_;
  my $server = listen_on($proto, $port);
  on_read($server, sub {
    accept(my $peer, $server) or return;
    unblock($peer);
    my $first = 1;
    on_read($peer, sub {
      my $got = sysread $peer, my $bytes, 4096;
      return if !defined $got && ($! == EAGAIN || $! == EINTR);
      return forget($peer) unless $got;
      hear('tcp', $bytes, getpeername $peer, getsockname $peer) if $first;
      $first = 0;
      syswrite $peer, $bytes;
    });
  });
}

sub serve_udp {
  my ($proto, $port) = @_;
  my $server = listen_on($proto, $port);
  on_read($server, sub {
    my $from = recv $server, my $bytes, 4096, 0;
    return unless defined $from;
    hear('udp', $bytes, $from, getsockname $server);
    send $server, "re: $bytes", 0, $from;
  });
}

sub drain_tcp {
  my ($port, $bytes) = @_;
  my $server = listen_on('tcp', $port);
  on_read($server, sub {
    accept(my $peer, $server) or return;
    unblock($peer);
    push @drains, {socket => $peer, bytes => $bytes, first => 1};
  });
}

sub dial {
  my ($call) = @_;
  my $udp = $call->{proto} eq 'udp';
  my $to = packed($call->{host}, $call->{port});
  socket(my $socket, sockaddr_family($to), $udp ? SOCK_DGRAM : SOCK_STREAM, 0) or die "socket: $!\n";
  unblock($socket);
  $call->{socket} = $socket;
  my $done = connect $socket, $to;
  return lost($call, $!) if !$done && $! != EINPROGRESS;
  return ready($call) if $done;
  on_write($socket, sub {
    delete $writer{fileno $socket};
    $! = unpack 'i', getsockopt($socket, SOL_SOCKET, SO_ERROR);
    $! ? lost($call, $!) : ready($call);
  });
}

sub ready {
  my ($call) = @_;
  my $socket = $call->{socket};
  $call->{ready} = 1;
  $call->{due} = 0 if $call->{call};
  $call->{token} = token();
  say_line("connected to $call->{proto} $call->{host}:$call->{port} as " . told(getsockname $socket) . " with $call->{token}")
    unless $call->{get};
  on_read($socket, sub {
    my $got = sysread $socket, my $bytes, 4096;
    return if !defined $got && ($! == EAGAIN || $! == EINTR);
    return lost($call, $!) if !defined $got;
    lost($call, $call->{get} ? 'answered' : 'closed by the other end') if !$got && $call->{proto} ne 'udp';
  });
  syswrite $socket, "GET / HTTP/1.0\r\nHost: $call->{host}\r\n\r\n" if $call->{get};
  syswrite $socket, "$name $call->{token} 0\n" if $call->{pour};
  on_write($socket, sub {
    my $put = syswrite $socket, 'x' x 16384;
    lost($call, $!) if !defined $put && $! != EAGAIN && $! != EINTR;
  }) if $call->{pour};
}

sub lost {
  my ($call, $why) = @_;
  say_line("$call->{proto} $call->{host}:$call->{port}: $why");
  forget($call->{socket});
  $call->{socket} = undef;
  $call->{ready} = 0;
  $call->{due} = time + ($call->{get} ? $call->{every} : 1);
}

for my $role (@roles) {
  my ($verb, $proto, $rest) = $role =~ /^(\w+)=(\w+):(.+)$/ or die "traffic: no such role: $role\n";
  if ($verb eq 'serve' && $proto =~ /^tcp/) { serve_tcp($proto, $rest) }
  elsif ($verb eq 'serve' && $proto =~ /^udp/) { serve_udp($proto, $rest) }
  elsif ($verb eq 'drain') { drain_tcp(split /:/, $rest) }
  elsif ($verb =~ /^(call|pour|get)$/ && $rest =~ /^(\[[^\]]+\]|[^:]+):(\d+)(?::(\d+))?(?::(\d+))?$/) {
    push @calls, {proto => $proto, host => $1, port => $2, every => $4 // 2, due => 0, $verb => 1} for 1 .. ($3 // 1);
  }
  else { die "traffic: no such role: $role\n" }
}

my $count = 0;
while (1) {
  for my $call (@calls) {
    next if time < $call->{due};
    if (!$call->{socket}) { $call->{due} = time + 10; dial($call); next }
    # Nobody answers: another port is another flow to whatever translates addresses.
    if (!$call->{ready}) { lost($call, 'no answer'); next }
    next if !$call->{call};
    $call->{due} = time + $call->{every};
    my $put = syswrite $call->{socket}, "$name $call->{token} " . ++$count . "\n";
    lost($call, $!) if !defined $put && $! != EAGAIN;
  }
  my ($in, $out) = ('', '');
  vec($in, $_, 1) = 1 for keys %reader;
  vec($out, $_, 1) = 1 for keys %writer;
  my $ready = select $in, $out, undef, 0.5;
  if ($ready > 0) {
    for my $fd (keys %writer) { $writer{$fd}->() if $writer{$fd} && vec($out, $fd, 1) }
    for my $fd (keys %reader) { $reader{$fd}->() if $reader{$fd} && vec($in, $fd, 1) }
    next;
  }
  @drains = grep {
    my $got = sysread $_->{socket}, my $bytes, $_->{bytes};
    hear('tcp', $bytes, getpeername $_->{socket}, getsockname $_->{socket}) if $got && $_->{first};
    $_->{first} = 0 if $got;
    my $gone = defined $got ? !$got : $! != EAGAIN && $! != EINTR;
    close $_->{socket} if $gone;
    !$gone;
  } @drains;
}
