// SPDX-License-Identifier: LGPL-2.1-or-later

// go-smtp as a server for tests.
//
//	go_server CERTIFICATE USER:PASSWORD FOLDER
//
// Takes mail from who has authenticated; each becomes a file in FOLDER. Listens on 127.0.0.1, on a
// port that the kernel picks; its first line of output is that port. How the library asks is in a file for each of
// its versions, of which one is compiled.
package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"

	"github.com/emersion/go-smtp"
)

type backend struct {
	account, folder string
	taken           int
}

type session struct {
	backend *backend
	known   bool
}

func (b *backend) logIn(username, password string) error {
	fmt.Fprintln(os.Stderr, "asked: "+username)
	if username+":"+password != b.account {
		return errors.New("wrong password")
	}
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.backend.taken++
	file := filepath.Join(s.backend.folder, fmt.Sprint(s.backend.taken))
	if err := os.WriteFile(file+".new", text, 0o644); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}

func main() {
	certificate, err := tls.LoadX509KeyPair(os.Args[1], os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	server := smtp.NewServer(&backend{account: os.Args[2], folder: os.Args[3]})
	server.Domain = "mail.example"
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(server.Serve(listener))
}
