// SPDX-License-Identifier: LGPL-2.1-or-later

// For go-smtp 0.12, Debian 12's.
package main

import "github.com/emersion/go-smtp"

func (b *backend) Login(_ *smtp.ConnectionState, username, password string) (smtp.Session, error) {
	if err := b.logIn(username, password); err != nil {
		return nil, err
	}
	return &session{b, true}, nil
}

func (b *backend) AnonymousLogin(*smtp.ConnectionState) (smtp.Session, error) {
	return nil, smtp.ErrAuthRequired
}

func (s *session) Mail(string, smtp.MailOptions) error { return nil }
func (s *session) Rcpt(string) error                   { return nil }
