#!/usr/bin/perl
# Sends packets that can be recognised, one for each line of standard input, and stays until that ends: an answer that
# finds its socket open provokes nothing further.
#
#   udp ADDRESS PORT PAYLOAD    one datagram
#   tcp ADDRESS PORT SEQ PORT   one SYN with that sequence number, from that port; nobody here holds the connection,
#                               so the kernel answers a SYN-ACK with a RST and no connection comes to be
#
# `sent` on standard output says that all lines up to an empty one have been sent.
use strict;
use warnings;
use Socket qw(:DEFAULT inet_pton inet_ntop pack_sockaddr_in6 unpack_sockaddr_in6 IPPROTO_TCP AF_INET6);

$| = 1;
my @kept;

sub name_of {
  my ($address, $port) = @_;
  return $address =~ /:/
    ? (AF_INET6, pack_sockaddr_in6($port, inet_pton(AF_INET6, $address)))
    : (AF_INET, pack_sockaddr_in($port, inet_aton($address)));
}

sub dial {
  my ($address, $port) = @_;
  my ($family, $to) = name_of($address, $port);
  socket(my $socket, $family, SOCK_DGRAM, 0) or die "socket: $!\n";
  return connect($socket, $to) ? $socket : undef;
}

# RFC 1071, over the pseudo header too (RFC 9293 section 3.1, RFC 8200 section 8.1).
sub checksum {
  my ($bytes) = @_;
  my $sum = 0;
  $sum += $_ for unpack 'n*', $bytes . "\0" x (length($bytes) % 2);
  $sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
  return ~$sum & 0xffff;
}

sub syn {
  my ($address, $port, $seq, $from) = @_;
  my $route = dial($address, $port) or return;
  my ($family, $to) = name_of($address, $port);
  my $six = $family == AF_INET6;
  my $source = $six ? (unpack_sockaddr_in6(getsockname $route))[1] : (unpack_sockaddr_in(getsockname $route))[1];
  my $target = $six ? (unpack_sockaddr_in6($to))[1] : (unpack_sockaddr_in($to))[1];
  # Ports, sequence, no acknowledgement, 6 words long, SYN, window; one option: maximum segment size 1200.
  my $segment = pack 'nnNNCCnnnCCn', $from, $port, $seq, 0, 6 << 4, 2, 65535, 0, 0, 2, 4, 1200;
  my $pseudo = $six ? pack('a16a16NxxxC', $source, $target, 24, 6) : pack('a4a4xCn', $source, $target, 6, 24);
  substr($segment, 16, 2) = pack 'n', checksum($pseudo . $segment);
  socket(my $raw, $family, SOCK_RAW, IPPROTO_TCP) or die "raw socket: $!\n";
  bind($raw, $six ? pack_sockaddr_in6(0, $source) : pack_sockaddr_in(0, $source)) or die "bind: $!\n";
  # The name of a raw IPv6 socket has no port.
  send $raw, $segment, 0, $six ? pack_sockaddr_in6(0, $target) : $to;
}

while (defined(my $line = <STDIN>)) {
  chomp $line;
  my ($protocol, $address, $port, @rest) = split / /, $line;
  if (!defined $protocol) { print "sent\n"; next }
  if ($protocol eq 'udp') {
    my $socket = dial($address, $port) or next;
    send $socket, $rest[0], 0;
    push @kept, $socket;
  } else { syn($address, $port, @rest) }
  select undef, undef, undef, 0.002;
}
