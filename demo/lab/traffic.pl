#!/usr/bin/perl
# The one program that runs in the lab's pods: it serves, calls, pours and drains over TCP and UDP.
#
#   traffic NAME ROLE...
#     serve=tcp:PORT                     accept, and send back what arrives
#     serve=udp:PORT                     send each datagram back, behind `re: `
#     drain=tcp:PORT:BYTES               accept, and read BYTES every half second
#     call=tcp:HOST:PORT[:COUNT[:SECS]]  keep COUNT connections, one line every SECS seconds on each; try again for ever
#     call=udp:HOST:PORT[:COUNT[:SECS]]  keep COUNT connected sockets, one datagram every SECS seconds on each
#     get=http:HOST:PORT[:COUNT[:SECS]]  a new connection for each request, one every SECS seconds
#     pour=tcp:HOST:PORT                 send as fast as the other end takes it
#
# One process holds many sockets, as real daemons do; NAME becomes its title. Written in Perl because busybox as
# Debian builds it has no UDP at all, and perl-base is on every Debian machine.
use strict;
use warnings;
use Errno qw(EAGAIN EINPROGRESS EINTR);
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use Socket;

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

sub listen_on {
  my ($proto, $port) = @_;
  socket(my $socket, PF_INET, $proto eq 'udp' ? SOCK_DGRAM : SOCK_STREAM, 0) or die "socket: $!\n";
  setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1);
  bind($socket, sockaddr_in($port, INADDR_ANY)) or die "bind $proto $port: $!\n";
  if ($proto eq 'tcp') { listen($socket, 128) or die "listen $port: $!\n" }
  unblock($socket);
  return $socket;
}

sub serve_tcp {
  my ($port) = @_;
  my $server = listen_on('tcp', $port);
  on_read($server, sub {
    accept(my $peer, $server) or return;
    unblock($peer);
    on_read($peer, sub {
      my $got = sysread $peer, my $bytes, 4096;
      return if !defined $got && ($! == EAGAIN || $! == EINTR);
      return forget($peer) unless $got;
      syswrite $peer, $bytes;
    });
  });
}

sub serve_udp {
  my ($port) = @_;
  my $server = listen_on('udp', $port);
  on_read($server, sub {
    my $from = recv $server, my $bytes, 4096, 0;
    send $server, "re: $bytes", 0, $from if defined $from;
  });
}

sub drain_tcp {
  my ($port, $bytes) = @_;
  my $server = listen_on('tcp', $port);
  on_read($server, sub {
    accept(my $peer, $server) or return;
    unblock($peer);
    push @drains, {socket => $peer, bytes => $bytes};
  });
}

sub dial {
  my ($call) = @_;
  my $udp = $call->{proto} eq 'udp';
  socket(my $socket, PF_INET, $udp ? SOCK_DGRAM : SOCK_STREAM, 0) or die "socket: $!\n";
  unblock($socket);
  $call->{socket} = $socket;
  my $done = connect $socket, sockaddr_in($call->{port}, inet_aton($call->{host}));
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
  say_line("connected to $call->{proto} $call->{host}:$call->{port}") unless $call->{get};
  on_read($socket, sub {
    my $got = sysread $socket, my $bytes, 4096;
    return if !defined $got && ($! == EAGAIN || $! == EINTR);
    return lost($call, $!) if !defined $got;
    lost($call, $call->{get} ? 'answered' : 'closed by the other end') if !$got && $call->{proto} ne 'udp';
  });
  syswrite $socket, "GET / HTTP/1.0\r\nHost: $call->{host}\r\n\r\n" if $call->{get};
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
  $call->{due} = time + $call->{every};
}

for my $role (@roles) {
  my ($verb, $rest) = split /=/, $role, 2;
  my ($proto, @with) = split /:/, $rest // '';
  if ($verb eq 'serve' && $proto eq 'tcp') { serve_tcp($with[0]) }
  elsif ($verb eq 'serve' && $proto eq 'udp') { serve_udp($with[0]) }
  elsif ($verb eq 'drain') { drain_tcp(@with) }
  elsif ($verb =~ /^(call|pour|get)$/) {
    push @calls, {proto => $proto, host => $with[0], port => $with[1], every => $with[3] // 2, due => 0, $verb => 1}
      for 1 .. ($with[2] // 1);
  }
  else { die "traffic: no such role: $role\n" }
}

my $count = 0;
while (1) {
  for my $call (@calls) {
    next if time < $call->{due};
    if (!$call->{socket}) { $call->{due} = time + 10; dial($call); next }
    next if !$call->{ready} || !$call->{call};
    $call->{due} = time + $call->{every};
    my $put = syswrite $call->{socket}, "$name " . ++$count . "\n";
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
    my $gone = defined $got ? !$got : $! != EAGAIN && $! != EINTR;
    close $_->{socket} if $gone;
    !$gone;
  } @drains;
}
